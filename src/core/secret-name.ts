/** What fields are called whose values nobody should see. */
export const secretName = /password|passwd|secret|token|authorization|cookie|api[_-]?key|credential|private[_-]?key/i;
