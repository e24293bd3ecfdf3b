/** Loads the YAML library on first use. */
export declare function loadYaml(): typeof import('yaml');
