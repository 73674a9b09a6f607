// The table of the page "Benchmark": one row per method, headings that sort, boxes that choose what is drawn.
window.benchmarkTable = (function () {
  "use strict";
  function element(name, attributes, ...children) {
    const node = Object.assign(document.createElement(name), attributes);
    node.append(...children);
    return node;
  }

  function sorted(rows, { column, descending }, methods) {
    const value = (row) => (column === "method" ? methods[row.method].title : row[column]);
    return [...rows].sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === undefined || y === undefined) return (x === undefined) - (y === undefined); // empty cells last
      const ascending = typeof x === "string" ? x.localeCompare(y) : x - y;
      return descending ? -ascending : ascending;
    });
  }

  function heading(column, title, options) {
    const { sorting, onSort } = options;
    const active = sorting.column === column;
    const button = element("button", { type: "button", onclick: () => onSort(column) }, title,
      element("span", { ariaHidden: "true" }, active ? (sorting.descending ? " ↓" : " ↑") : ""));
    button.dataset.column = column;
    const cell = element("th", { scope: "col" }, button);
    cell.setAttribute("aria-sort", active ? (sorting.descending ? "descending" : "ascending") : "none");
    return cell;
  }

  // The best of the blind methods that do not know true pairs; the noisy volume does not compete.
  function best(rows, metric, methods) {
    if (!metric.better) return undefined;
    const values = rows.filter((row) => !row.given && !methods[row.method].pairs && row.method !== "noisy")
      .map((row) => row[metric.column]).filter((value) => value !== undefined);
    return values.length ? metric.better * Math.max(...values.map((value) => metric.better * value)) : undefined;
  }

  function name(row, { methods, drawn, colour, onDraw }) {
    const method = methods[row.method];
    const box = element("input", { type: "checkbox", checked: drawn.has(row.method) });
    box.dataset.method = row.method;
    box.addEventListener("change", () => onDraw(row.method, box.checked));
    const swatch = element("span", { className: "explorer-swatch", ariaHidden: "true" });
    swatch.dataset.colour = drawn.has(row.method) ? colour(row.method) % 9 : "none";
    const marks = (row.given ? " σ" : "") + (method.pairs ? " †" : "");
    return element("th", { scope: "row", title: method.note }, element("label", {}, box, swatch, method.title + marks));
  }

  function draw(table, rows, options) {
    const { metrics, methods, sorting } = options;
    const head = element("tr", {}, heading("method", "Method", options),
      ...metrics.map((metric) => heading(metric.column, metric.title, options)));
    const winners = Object.fromEntries(metrics.map((metric) => [metric.column, best(rows, metric, methods)]));
    const body = sorted(rows, sorting, methods).map((row) => element("tr", {}, name(row, options),
      ...metrics.map((metric) => {
        const value = row[metric.column];
        const text = value === undefined ? "–" : value.toFixed(metric.digits);
        return element("td", {}, value !== undefined && value === winners[metric.column] ? element("strong", {}, text) : text);
      })));
    table.replaceChildren(element("thead", {}, head), element("tbody", {}, ...body));
  }

  return { draw, sorted, best };
})();
