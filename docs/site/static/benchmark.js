// The page "Benchmark": keeps the choice (volume, noise, level, metric, methods), and draws table and plot from it.
(function () {
  "use strict";
  const find = (name) => document.getElementById("explorer-" + name);
  const data = JSON.parse(find("data").textContent);
  // One method of each family, as in the README.
  const drawn = new Set(["ours", "bm4d_vst", "bm4d_spectrum", "nlmeans", "paper", "cyclegan", "noisy"]);
  const order = Object.keys(data.methods);
  const sorting = { column: "psnr", descending: true };
  const distinct = (values) => [...new Set(values)];

  function fill(select, values, texts) {
    const before = select.value;
    select.replaceChildren(...values.map((value, i) => new Option(texts ? texts[i] : value, value)));
    if (values.map(String).includes(before)) select.value = before;
    select.disabled = values.length < 2;
  }

  function shown(row) {
    const pairs = data.methods[row.method].pairs;
    return { all: true, pairs, given: row.given, blind: !row.given && !pairs }[find("class").value];
  }

  function choose() {
    const here = data.rows.filter((row) => row.volume === find("volume").value);
    fill(find("kind"), distinct(here.map((row) => row.kind)));
    const ofKind = here.filter((row) => row.kind === find("kind").value);
    const levels = distinct(ofKind.map((row) => row.level)).sort((a, b) => a - b);
    const first = !find("level").value;
    fill(find("level"), levels, levels.map((level) => level + " %"));
    if (first && levels.includes(15)) find("level").value = 15;
    const rows = ofKind.filter(shown);
    // A column without a value for any of these rows is left out, of the table and of the choice.
    const metrics = data.metrics.filter((metric) => ofKind.some((row) => row[metric.column] !== undefined));
    fill(find("metric"), metrics.map((m) => m.column), metrics.map((m) => m.title));
    draw(rows, metrics);
  }

  function draw(rows, metrics) {
    const level = Number(find("level").value);
    const metric = metrics.find((m) => m.column === find("metric").value);
    const colour = (method) => order.indexOf(method);
    window.benchmarkTable.draw(find("table"), rows.filter((row) => row.level === level), {
      metrics, methods: data.methods, sorting, drawn, colour,
      onSort(column) {
        sorting.descending = sorting.column === column ? !sorting.descending : column !== "method";
        sorting.column = column;
        draw(rows, metrics);
        find("table").querySelector(`[data-column="${column}"]`).focus();
      },
      onDraw(method, on) {
        drawn[on ? "add" : "delete"](method);
        draw(rows, metrics);
        find("table").querySelector(`[data-method="${method}"]`).focus();
      },
    });
    const lines = order.filter((method) => drawn.has(method)).map((method) => ({
      method, title: data.methods[method].title, colour: colour(method),
      points: rows.filter((row) => row.method === method && row[metric.column] !== undefined)
        .map((row) => [row.level, row[metric.column]]).sort((a, b) => a[0] - b[0]),
    })).filter((line) => line.points.length);
    const where = `${find("volume").value}, ${find("kind").value} noise`;
    window.benchmarkPlot.draw(find("plot"), lines, { metric, level, label: `${metric.title} by noise level: ${where}` });
    find("caption").textContent = `${metric.title} by noise level in percent. ${where}.`;
    find("status").textContent = `${rows.filter((row) => row.level === level).length} methods at ${level} %.`;
  }

  fill(find("volume"), distinct(data.rows.map((row) => row.volume)).sort().reverse());
  find("volume").value = "BrainWeb T1w";
  for (const name of ["volume", "kind", "level", "metric", "class"]) find(name).addEventListener("change", choose);
  document.getElementById("explorer").hidden = false;
  choose();
})();
