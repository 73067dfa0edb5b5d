/** So many slots are drawn each for itself; more are one bar. */
const maxDrawn = 24;

/** How many of a worker's slots are taken. */
export function Slots({ active, of }: { readonly active: number; readonly of: number }) {
  if (of > maxDrawn)
    return <meter class="slots-meter" max={of} value={active} aria-label={`${active} of ${of} slots`} />;
  return (
    <span class="slots" role="img" aria-label={`${active} of ${of} slots`}>
      {Array.from({ length: of }, (_, slot) => (
        <i key={slot} class={slot < active ? "slot taken" : "slot"} />
      ))}
    </span>
  );
}
