/** Words in names of fields that hold secrets, wherever they stand: `userPassword`, `PGPASSWORD`, `x-api-key`. */
const substrings = [
  "pass ?(word|wd|wort|phrase|code)",
  "kennwort|secret|token|authorization|credential|cookie|mnemonic|signature|seed ?phrase",
  "(api|access|private|secret|ssh|signing|encryption|master|account|shared|storage|auth|client|app|consumer|subscription|hmac|aes) ?key",
  "(database|db|connection|postgres(ql)?|pg|mysql|maria ?db|mongo( ?db)?|redis|amqp|rabbit ?mq|broker|jdbc|ldap|smtp) ?(ur[il]|dsn|str(ing)?)\\b",
  "session ?id|basic ?auth|(recovery|backup|verification|activation|security|one ?time) ?codes?\\b",
];
/** Words that are too short for that: they count where they stand by themselves, as in `user_pwd`. */
const wholeWords = [
  "\\w*pwd|(user|db|smtp|key|store|root|admin|ldap|ftp)?pass|pw|psw|pin|otp|totp|mfa|jwt|bearer|sid|sig|dsn|pem",
  "cv[vc]2?|csc|[cx]srf",
];
const secretName = new RegExp(`${substrings.join("|")}|\\b(${wholeWords.join("|")})s?\\d*\\b|^(x )?auth$`);

/** Whether the value of a field of this name is one that nobody should see. It is written in any case: `user_pwd`, `userPwd`, `USER-PWD`. */
export function isSecretName(name: string): boolean {
  return secretName.test(splitIntoWords(name));
}

function splitIntoWords(name: string): string {
  return (
    name
      .normalize("NFKC")
      // Characters that are not seen would part a word.
      .replace(/\p{Cf}/gu, "")
      .replace(/([\p{Ll}\d])(?=\p{Lu})/gu, "$1 ")
      .replace(/(\p{Lu})(?=\p{Lu}\p{Ll})/gu, "$1 ")
      .replace(/[^\p{L}\p{N}]+/gu, " ")
      .trim()
      .toLowerCase()
  );
}
