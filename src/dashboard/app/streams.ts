/** Yields the lines of a text stream. Chunks may split lines and characters anywhere. */
export async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let remainder = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      remainder += done ? decoder.decode() : decoder.decode(value, { stream: true });
      const completeLines = remainder.split("\n");
      remainder = completeLines.pop() ?? "";
      for (const line of completeLines) yield line.endsWith("\r") ? line.slice(0, -1) : line;
      if (done) break;
    }
    if (remainder !== "") yield remainder;
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** A server-sent event. */
export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

/** Yields the events of a stream. An event that the end of the stream cuts off is dropped. */
export async function* readServerEvents(stream: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  let event = "message";
  let data: string[] = [];
  for await (const line of readLines(stream)) {
    if (line === "") {
      if (data.length > 0) yield { event, data: data.join("\n") };
      event = "message";
      data = [];
      continue;
    }
    const [, field, value = ""] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? [];
    if (field === "event") event = value;
    if (field === "data") data.push(value);
  }
}
