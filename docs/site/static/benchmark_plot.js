// The plot of the page "Benchmark": a line per method over the noise levels, as SVG in the colours of the style sheet.
window.benchmarkPlot = (function () {
  "use strict";
  const MARKS = ["circle", "square", "triangle"];

  function shape(name, attributes, text) {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    return node;
  }

  // Round steps (1, 2 or 5 times a power of ten), about `count` of them.
  function ticks(low, high, count) {
    const rough = (high - low || 1) / count;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((factor) => power * factor >= rough);
    const first = Math.ceil(low / step - 1e-9);
    const last = Math.floor(high / step + 1e-9);
    return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
  }

  function mark(kind, x, y, colour) {
    const attributes = { "data-colour": colour, class: "explorer-mark" };
    if (kind === "circle") return shape("circle", { cx: x, cy: y, r: 4, ...attributes });
    const path = kind === "square" ? `M${x - 3.5},${y - 3.5}h7v7h-7z` : `M${x},${y - 5}l5,9h-10z`;
    return shape("path", { d: path, ...attributes });
  }

  function draw(place, lines, { metric, level, label }) {
    const width = Math.max(280, Math.min(760, place.clientWidth || 640));
    const height = Math.round(width * (width < 480 ? 0.8 : 0.5));
    const [left, right, top, bottom] = [48, 12, 12, 40];
    const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label });
    const xs = lines.flatMap((line) => line.points.map((point) => point[0]));
    const ys = lines.flatMap((line) => line.points.map((point) => point[1]));
    if (!xs.length) {
      place.replaceChildren("No method that is chosen has this metric here.");
      return;
    }
    const [x0, x1, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    const margin = (high - low || Math.abs(high) || 1) * 0.06;
    const [y0, y1] = [low - margin, high + margin];
    const x = (value) => left + ((value - x0) / (x1 - x0 || 1)) * (width - left - right - 12) + 6;
    const y = (value) => height - bottom - ((value - y0) / (y1 - y0)) * (height - top - bottom);
    for (const value of ticks(y0, y1, 6)) {
      svg.append(shape("line", { x1: left, x2: width - right, y1: y(value), y2: y(value), class: "explorer-grid" }),
        shape("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, String(value)));
    }
    for (const value of [...new Set(xs)].sort((a, b) => a - b)) {
      const chosen = value === level ? " explorer-chosen" : "";
      svg.append(shape("line", { x1: x(value), x2: x(value), y1: top, y2: height - bottom, class: "explorer-grid" + chosen }),
        shape("text", { x: x(value), y: height - bottom + 18, "text-anchor": "middle" }, value + " %"));
    }
    svg.append(shape("text", { x: left, y: height - 4 }, metric.title + " by noise level"));
    for (const line of lines) {
      const colour = line.colour % 9;
      const path = line.points.map(([a, b], i) => `${i ? "L" : "M"}${x(a).toFixed(1)},${y(b).toFixed(1)}`).join("");
      const strong = line.method === "ours" ? " explorer-ours" : "";
      svg.append(shape("path", { d: path, class: "explorer-line" + strong, "data-colour": colour }));
      for (const [a, b] of line.points) {
        const point = mark(MARKS[Math.floor(line.colour / 9) % 3], x(a), y(b), colour);
        point.append(shape("title", {}, `${line.title}, ${a} %: ${b.toFixed(metric.digits)}`));
        svg.append(point);
      }
    }
    place.replaceChildren(svg, legend(lines));
  }

  function legend(lines) {
    const list = document.createElement("ul");
    list.className = "explorer-lines";
    for (const line of lines) {
      const item = document.createElement("li");
      const svg = shape("svg", { viewBox: "0 0 26 12", width: 26, height: 12, "aria-hidden": "true" });
      const colour = line.colour % 9;
      svg.append(shape("path", { d: "M0,6H26", class: "explorer-line", "data-colour": colour }),
        mark(MARKS[Math.floor(line.colour / 9) % 3], 13, 6, colour));
      item.append(svg, line.title);
      list.append(item);
    }
    return list;
  }

  return { draw, ticks };
})();
