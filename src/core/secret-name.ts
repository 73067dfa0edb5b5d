/** Parts of the names of secret fields. They match anywhere in a name: `userPassword`, `PGPASSWORD`, `x-api-key`. */
const substrings = [
  "pass ?(word|wd|wort|phrase|code)",
  "kennwort|secret|token|authorization|credential|cookie|mnemonic|signature|seed ?phrase",
  "(api|access|private|secret|ssh|signing|encryption|master|account|shared|storage|auth|client|app|consumer|subscription|hmac|aes) ?key",
  "(database|db|connection|postgres(ql)?|pg|mysql|maria ?db|mongo( ?db)?|redis|amqp|rabbit ?mq|broker|jdbc|ldap|smtp) ?(ur[il]|dsn|str(ing)?)\\b",
  "session ?id|basic ?auth|(recovery|backup|verification|activation|security|one ?time) ?codes?\\b",
];
/** Parts that are too short to match anywhere. They match as separate words only, as in `user_pwd`. */
const wholeWords = [
  "\\w*pwd|(user|db|smtp|key|store|root|admin|ldap|ftp)?pass|pw|psw|pin|otp|totp|mfa|jwt|bearer|sid|sig|dsn|pem",
  "cv[vc]2?|csc|[cx]srf",
];
const secretName = new RegExp(`${substrings.join("|")}|\\b(${wholeWords.join("|")})s?\\d*\\b|^(x )?auth$`);

/**
 * Whether a field of this name probably holds a secret. The name may be written in any case style: `user_pwd`, `userPwd`,
 * `USER-PWD`.
 */
export function isSecretName(name: string): boolean {
  return secretName.test(splitIntoWords(name));
}

function splitIntoWords(name: string): string {
  return (
    name
      .normalize("NFKC")
      // An invisible character would split a word.
      .replace(/\p{Cf}/gu, "")
      .replace(/([\p{Ll}\d])(?=\p{Lu})/gu, "$1 ")
      .replace(/(\p{Lu})(?=\p{Lu}\p{Ll})/gu, "$1 ")
      .replace(/[^\p{L}\p{N}]+/gu, " ")
      .trim()
      .toLowerCase()
  );
}
