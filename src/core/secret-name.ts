/** What fields are called whose values nobody should see. */
export const secretName =
  /password|passwd|passphrase|\bpwd\b|secret|token|authorization|cookie|(api|access|private)[_-]?key|credential/i;
