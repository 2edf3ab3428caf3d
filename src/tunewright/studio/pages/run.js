"use strict";
(() => {
  const DRAW = 500;  // milliseconds between two drawings
  const NOTES = 500;  // notes that are kept on the page
  const STATES = { running: "running", finished: "finished", failed: "failed", interrupted: "interrupted" };
  let trainings, trials, stations, now = {}, picked = null, drawn = 0, due = null, source = null, lost = 0, asked = false;

  function forget() {
    [trainings, trials, stations, picked] = [[], [], [], null];
    for (const id of ["findings", "notes", "road", "which"]) $(id).replaceChildren();
    for (const id of ["curves", "trials", "findings-table", "pick"]) $(id).hidden = true;
    $("nothing").hidden = false;
  }

  const hear = {
    note(one) {
      const item = make("li", {}, make("b", {}, one.station), one.text);
      item.title = when(one.time);
      $("notes").prepend(item);
      while ($("notes").children.length > NOTES) $("notes").lastChild.remove();
    },
    station(one) { stations.push(one); },
    sitting() { stations = []; asked = false; },
    finding(one) {
      const columns = (one.columns || []).join(", ");
      $("findings").append(make("tr", {},
        make("td", {}, make("span", { class: `tag ${one.severity}` }, one.severity)),
        make("th", { scope: "row" }, one.kind.replaceAll("_", " ")),
        make("td", { class: "text" }, one.evidence, columns ? make("span", { class: "quiet" }, ` ${columns}`) : ""),
        make("td", { class: "num" }, one.rows_total ? String(one.rows_total) : "\u2013")));
      $("findings-table").hidden = false;
      $("nothing").hidden = true;
    },
    training(one) {
      trainings[one.number] = { ...one, points: [], epochs: [] };
      $("which").append(make("option", { value: String(one.number) }, one.label));
      $("pick").hidden = trainings.length < 2;
      if (picked === null) $("which").value = String(one.number);
    },
    point(one) { trainings[one.training].points.push(one); },
    epoch(one) { trainings[one.training].epochs.push(one); },
    rewind(one) {
      const training = trainings[one.training];
      training.points = training.points.filter((point) => point.step < one.step);
      training.epochs = training.epochs.filter((epoch) => epoch.step < one.step || epoch.epoch === 0);
    },
    trial(one) { trials.push(one); },
  };

  function layout(x, y) {
    const style = getComputedStyle(document.documentElement), of = (name) => style.getPropertyValue(name).trim();
    const axis = { gridcolor: of("--line"), linecolor: of("--line"), zeroline: false, automargin: true, fixedrange: true };
    const title = (text) => ({ text: label(text), standoff: 8, font: { size: 13, color: of("--muted") } });
    return [of, {
      height: 280, autosize: true, margin: { l: 56, r: 12, t: 16, b: 48 },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: "closest",
      font: { color: of("--ink"), size: 13, family: "system-ui, -apple-system, Segoe UI, sans-serif" },
      hoverlabel: { bgcolor: of("--ground"), bordercolor: of("--line"), font: { color: of("--ink") } },
      legend: { orientation: "h", x: 0, y: 1.08, yanchor: "bottom" },
      xaxis: { ...axis, title: title(x), rangemode: "tozero" }, yaxis: { ...axis, title: title(y) },
    }];
  }

  const options = { responsive: true, displayModeBar: false };

  function line(name, colour, xs, ys, more = {}) {
    return { type: "scatter", mode: "lines", name: label(name), x: xs, y: ys, hovertemplate: "%{y:.4g}",
      line: { color: colour, width: 2, ...more.line }, marker: { color: colour, size: 7, ...more.marker },
      ...(more.mode ? { mode: more.mode } : {}) };
  }

  function said(number) {
    return typeof number === "number" ? String(Number(number.toPrecision(4))) : "not known";
  }

  function drawTraining(training) {
    const { points, epochs } = training, last = epochs[epochs.length - 1];
    const [of, losses] = layout("updates", "loss");
    Plotly.react("plot-loss", [
      line("train", of("--muted"), points.map((p) => p.step), points.map((p) => p.train_loss), { line: { dash: "dot" } }),
      line("validation", of("--accent"), epochs.map((e) => e.step), epochs.map((e) => e.validation_loss), { mode: "lines+markers" }),
    ], losses, options);
    const [, metrics] = layout("updates", last?.metric_name || "metric");
    Plotly.react("plot-metric", [
      line("validation", of("--accent"), epochs.map((e) => e.step), epochs.map((e) => e.metric), { mode: "lines+markers" }),
    ], { ...metrics, showlegend: false }, options);
    const at = points[points.length - 1]?.step ?? 0;
    $("plot-loss").setAttribute("aria-label", `After ${at} updates: train loss ${said(points[points.length - 1]?.train_loss)}, validation loss ${said(last?.validation_loss)}.`);
    $("plot-metric").setAttribute("aria-label", `${visible(last?.metric_name || "metric")} on the validation part after epoch ${last?.epoch ?? 0}: ${said(last?.metric)}.`);
  }

  function drawTrials() {
    const [of, plot] = layout("trial", visible(trials[trials.length - 1].metric || "score"));
    const whole = (one) => one.state === "complete";
    Plotly.react("plot-trials", [line("score", of("--accent"), trials.map((one) => one.number + 1), trials.map((one) => one.score),
      { mode: "markers", marker: { size: 9, symbol: trials.map((one) => whole(one) ? "circle" : "circle-open") } })],
      { ...plot, showlegend: false }, options);
    $("plot-trials").setAttribute("aria-label", `${trials.length} trials.`);
  }

  function draw() {
    [due, drawn] = [null, Date.now()];
    const training = trainings[picked ?? trainings.length - 1];
    $("curves").hidden = !training || !training.epochs.length;
    if (!$("curves").hidden) drawTraining(training);
    $("trials").hidden = !trials.length;
    if (trials.length) drawTrials();
  }

  function drawSoon() {
    if (due === null) due = setTimeout(draw, Math.max(0, DRAW - (Date.now() - drawn)));
  }

  function stand() {
    const running = now.state === "running", share = now.total ? Math.min(now.done / now.total, 1) : null;
    $("name").textContent = ` / ${visible(now.name)}`;
    $("state").textContent = asked && running ? "stopping" : STATES[now.state] || "";
    $("state").className = `tag ${now.state}`;
    $("headline").textContent = now.verdict || (running ? `${now.name} is running` : now.state === "interrupted"
      ? `${now.name} was interrupted; the same command goes on` : `${now.name} ${now.state}`);
    $("why").hidden = !now.why;
    $("why").textContent = now.why || "";
    $("stop").hidden = !running || !now.stoppable;
    $("stop").disabled = asked;
    $("stop").textContent = asked ? "Stopping" : "Stop";
    $("report").hidden = !now.report;
    $("review").hidden = !now.review;
    $("progress").hidden = share === null || !running;
    if (share !== null) $("progress").value = share;
    $("station").textContent = running ? (now.station || "between stations") + (share === null ? "" : `, ${Math.round(100 * share)} %`)
      : now.ended ? `ended ${when(now.ended)}` : "\u2013";
    $("left").textContent = running ? duration(now.left) : "\u2013";
    $("elapsed").textContent = running ? duration(now.elapsed) : "\u2013";
    $("memory").textContent = running ? `${memory(now.memory_mb)} of ${memory(now.limit_mb)}`
      : now.peak_mb ? `${memory(now.peak_mb)} at most` : "\u2013";
    $("scored").hidden = !now.value;
    $("metric-name").textContent = now.metric || "";
    $("score").textContent = now.value ? now.value + (now.interval ? ` (${now.interval})` : "") : "";
    const done = stations.map((one) => make("li", {}, one.name, make("span", {}, duration(one.seconds))));
    const at = running && now.station ? [make("li", { class: "now" }, now.station, make("span", {}, "now"))] : [];
    $("road").replaceChildren(...done, ...at);
    document.title = `${share !== null && running ? `${Math.round(100 * share)} % · ` : ""}${now.name} · ${now.state}`;
  }

  function listen() {
    source = new EventSource("events");
    source.onmessage = (message) => {
      const news = JSON.parse(message.data);
      lost = 0;
      tell("");
      if (news.anew) forget();
      now = news.now;
      for (const one of news.things) if (Object.hasOwn(hear, one.is)) hear[one.is](one);
      stand();
      if (news.things.length || news.anew) drawSoon();
    };
    source.onerror = () => {
      lost += 1;
      if (lost > 1 || source.readyState === EventSource.CLOSED) {
        tell("The process that serves this page has ended. `tunewright studio` shows the run again.");
        $("stop").hidden = true;
      }
    };
  }

  $("which").addEventListener("change", () => { picked = Number($("which").value); draw(); });
  $("stop").addEventListener("click", () => $("sure").showModal());
  $("do-not").addEventListener("click", () => $("sure").close());
  $("do-stop").addEventListener("click", async () => {
    $("sure").close();
    asked = true;
    stand();
    try {
      await ask("stop", {});
    } catch (problem) {
      asked = false;
      tell(problem.message);
      stand();
    }
  });
  // A browser keeps few connections to one server: a page that nobody looks at needs none.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) source.close();
    else if (source.readyState === EventSource.CLOSED) listen();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  forget();
  listen();
})();
