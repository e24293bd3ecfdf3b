/**
 * Does a host ask for the user's password? What PAM and OpenSSH ask in several languages. A one-time code or a token's
 * PIN is another thing: a person has to answer that.
 */
export function isPasswordQuestion(text: string): boolean {
  return /pass(word|wort)|kennwort|mot de passe|contrase|wachtwoord|has[lł]o|lösenord|adgangskode|parola|senha/i.test(text) && !/one.?time|otp|token|verification|code/i.test(text);
}
