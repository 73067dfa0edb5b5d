/** Up to this number, each slot is drawn. More slots are drawn as one bar. */
const maxDrawn = 24;

/** The used slots of a worker. */
export function Slots({ active, total }: { readonly active: number; readonly total: number }) {
  if (total > maxDrawn)
    return <meter class="slots-meter" max={total} value={active} aria-label={`${active} of ${total} slots`} />;
  return (
    <span class="slots" role="img" aria-label={`${active} of ${total} slots`}>
      {Array.from({ length: total }, (_, slot) => (
        <i key={slot} class={slot < active ? "slot taken" : "slot"} />
      ))}
    </span>
  );
}
