/** Icons of 16 × 16 px, drawn in the colour of the surrounding text. */
const paths = {
  overview: "M2.5 13V8.5M6.2 13V5M9.8 13V9.5M13.5 13V3",
  queues: "M2.5 4h11M2.5 8h11M2.5 12h7",
  jobs: "M8 2 13.5 5 8 8 2.5 5zM2.5 8.2 8 11.2l5.5-3M2.5 11.2 8 14.2l5.5-3",
  "dead-letters": "M8 2.2 14.2 13H1.8zM8 6.5v3M8 11.3v.2",
  schedules: "M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2M8 5v3.2l2.2 1.3",
  workers: "M4.5 4.5h7v7h-7zM6.5 2v2.5M9.5 2v2.5M6.5 11.5V14M9.5 11.5V14M2 6.5h2.5M2 9.5h2.5M11.5 6.5H14M11.5 9.5H14",
  webhooks: "M3 8h9.5M9 4.5 12.5 8 9 11.5",
  audit: "M3.5 2.5h9v11h-9zM6 5.8h4M6 8.2h4M6 10.6h2.5",
  search: "M7 2.8a4.2 4.2 0 1 0 0 8.4 4.2 4.2 0 0 0 0-8.4M10.2 10.2l3.3 3.3",
  sun: "M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6M8 1.5v1.4M8 13.1v1.4M1.5 8h1.4M13.1 8h1.4M3.4 3.4l1 1M11.6 11.6l1 1M3.4 12.6l1-1M11.6 4.4l1-1",
  moon: "M13 9.6A5.6 5.6 0 0 1 6.4 3 5.6 5.6 0 1 0 13 9.6",
  queued: "M8 3.2a4.8 4.8 0 1 0 0 9.6 4.8 4.8 0 0 0 0-9.6",
  scheduled: "M8 3.2a4.8 4.8 0 1 0 0 9.6 4.8 4.8 0 0 0 0-9.6M8 5.6V8l1.7 1",
  parked: "M5.8 4v8M10.2 4v8",
  active: "M8 3.2A4.8 4.8 0 0 1 12.8 8",
  completed: "m3.8 8.4 2.7 2.7 5.7-6",
  cancelled: "M8 3.2a4.8 4.8 0 1 0 0 9.6 4.8 4.8 0 0 0 0-9.6M4.7 11.3l6.6-6.6",
  dead: "m4.5 4.5 7 7M11.5 4.5l-7 7",
  failed: "M8 3.5v5.2M8 11.6v.3",
  outside: "M9 3h4v4M13 3 7.5 8.5M11.5 9.5V13h-8.5V5H7",
  chevron: "m6 4 4 4-4 4",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 16 16" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
