/** The player's icons: 24 units square, filled areas and drawn lines. */

const SVG = "http://www.w3.org/2000/svg";
const SPEAKER = "M4 9.6v4.8h3.4L12 18.4V5.6L7.4 9.6z";

const SHAPES = {
  play: { fill: "M7.5 4.9v14.2c0 .8.9 1.3 1.5.8l10.6-7.1c.6-.4.6-1.2 0-1.6L9 4.1c-.6-.5-1.5 0-1.5.8z" },
  pause: { fill: "M7 5h3.2v14H7zM13.8 5H17v14h-3.2z" },
  loud: { fill: SPEAKER, line: "M15.2 9.2a4 4 0 0 1 0 5.6M17.8 6.6a7.6 7.6 0 0 1 0 10.8" },
  muted: { fill: SPEAKER, line: "M15.8 9.6l4.8 4.8M20.6 9.6l-4.8 4.8" },
  quality: {
    line: "M4 7.5h7.5M17.5 7.5H20M4 16.5h2.5M12.5 16.5H20M11.5 7.5a3 3 0 1 0 6 0a3 3 0 1 0-6 0M6.5 16.5a3 3 0 1 0 6 0a3 3 0 1 0-6 0",
  },
  stats: { line: "M5 19v-5M12 19V5M19 19v-9" },
  recentre: { line: "M6.5 12a5.5 5.5 0 1 0 11 0a5.5 5.5 0 1 0-11 0M12 3v3.5M12 17.5V21M3 12h3.5M17.5 12H21M12 12h.01" },
  phone: {
    line: "M9.2 4h5.6c.7 0 1.2.5 1.2 1.2v13.6c0 .7-.5 1.2-1.2 1.2H9.2c-.7 0-1.2-.5-1.2-1.2V5.2C8 4.5 8.5 4 9.2 4zM4.8 9a7 7 0 0 0 0 6M19.2 9a7 7 0 0 1 0 6",
  },
  headset: {
    line: "M5 7.500h14c1.1 0 2 .9 2 2v5.500c0 1.1-.9 2-2 2h-2.300c-.7 0-1.4-.4-1.7-1l-.8-1.400a2.5 2.5 0 0 0-4.4 0L9 16c-.300.6-1 1-1.7 1H5c-1.1 0-2-.9-2-2V9.500c0-1.100.9-2 2-2z",
  },
  fill: {
    line: "M4 9V5.200C4 4.5 4.5 4 5.2 4H9M15 4h3.800c.7 0 1.200.5 1.2 1.200V9M20 15v3.800c0 .7-.5 1.2-1.2 1.200H15M9 20H5.200C4.5 20 4 19.5 4 18.800V15",
  },
  shrink: {
    line: "M9 4v3.800C9 8.5 8.5 9 7.8 9H4M20 9h-3.800C15.5 9 15 8.5 15 7.800V4M15 20v-3.800c0-.700.5-1.2 1.2-1.200H20M4 15h3.800c.7 0 1.200.5 1.2 1.200V20",
  },
  alert: { line: "M12 8.5v4.5M12 16.5h.01M3 12a9 9 0 1 0 18 0a9 9 0 1 0-18 0" },
} as const;

export type IconName = keyof typeof SHAPES;

/** An icon that is only seen: whatever holds it bears the name. */
export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  for (const [kind, data] of Object.entries(SHAPES[name])) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", kind);
    path.setAttribute("d", data);
    svg.append(path);
  }
  return svg;
}
