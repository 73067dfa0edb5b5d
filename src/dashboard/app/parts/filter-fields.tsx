import { useLive } from "../live.js";

interface FilterFieldProps {
  readonly name: string;
  readonly label: string;
  readonly value: string | undefined;
  readonly onChange: (value: string) => void;
}

/** The id of the list that suggests queue names. */
const queueNamesId = "queue-names";

interface TextFieldProps extends FilterFieldProps {
  /** Whether the field suggests the names of queues. */
  readonly suggestsQueues?: boolean;
}

export function TextField({ name, label, value = "", onChange, suggestsQueues = false }: TextFieldProps) {
  return (
    <label class="field">
      <span>{label}</span>
      <input
        key={value}
        type="text"
        name={name}
        defaultValue={value}
        autocomplete="off"
        spellcheck={false}
        list={suggestsQueues ? queueNamesId : undefined}
        onChange={(event) => onChange(event.currentTarget.value.trim())}
      />
    </label>
  );
}

/** The suggestions of text fields that take a queue's name. */
export function QueueNames() {
  const { view } = useLive();
  return (
    <datalist id={queueNamesId}>
      {view?.queues.map(({ name }) => (
        <option key={name} value={name} />
      ))}
    </datalist>
  );
}

export function TimeField({ name, label, value, onChange }: FilterFieldProps) {
  return (
    <label class="field">
      <span>{label}</span>
      <input
        key={value ?? ""}
        name={name}
        type="datetime-local"
        defaultValue={toLocalTime(value)}
        onChange={({ currentTarget: { value: text } }) => onChange(text && new Date(text).toISOString())}
      />
    </label>
  );
}

/** Converts an ISO time to the format of `datetime-local` inputs: the reader's time zone, without an offset. */
function toLocalTime(at: string | undefined): string {
  const date = new Date(at ?? NaN);
  if (Number.isNaN(date.getTime())) return "";
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
