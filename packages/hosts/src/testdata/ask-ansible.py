"""Runs ansible-inventory and ansible many times in one process, since loading them takes longer than running them.

Standard input: a JSON list of argument lists, each with the name of the program first. Standard output: a JSON list of
{"code", "stdout", "stderr"}.
"""
import contextlib
import io
import json
import sys

from ansible.cli.adhoc import AdHocCLI
from ansible.cli.inventory import InventoryCLI
from ansible.utils.context_objects import GlobalCLIArgs
from ansible.utils.display import Display

PROGRAMS = {'ansible-inventory': InventoryCLI, 'ansible': AdHocCLI}


def ask(arguments):
    # what Ansible keeps for as long as a process lives
    GlobalCLIArgs._Singleton__instance = None
    Display()._warns.clear()
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = PROGRAMS[arguments[0]](arguments).run() or 0
        except SystemExit as ended:
            code = ended.code or 0
        except Exception as problem:  # what the program would print before it ends
            code = 1
            err.write(str(problem))
    return {'code': code, 'stdout': out.getvalue(), 'stderr': err.getvalue()}


questions = json.load(sys.stdin)
json.dump([ask(arguments) for arguments in questions], sys.stdout)
