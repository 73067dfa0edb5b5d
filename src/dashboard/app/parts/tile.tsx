import type { ComponentChildren } from "preact";

interface TileProps {
  readonly label: string;
  readonly value: string;
  readonly unit?: string;
  readonly note?: ComponentChildren;
  readonly href: string;
  /** Whether the tile is highlighted, because the number needs attention. */
  readonly alert?: boolean;
}

/** A key figure, linked to its details. */
export function Tile({ label, value, unit, note, href, alert = false }: TileProps) {
  return (
    <a class={`tile ${alert ? "alert" : ""}`} href={href}>
      <span class="tile-label">{label}</span>
      <span class="tile-value">
        {value}
        {unit && <small> {unit}</small>}
      </span>
      <span class="tile-note">{note}</span>
    </a>
  );
}
