"use strict";
(() => {
  const EVERY = 3000;  // milliseconds between two looks
  let chosen = [], shown = "";

  function choose(name, on) {
    chosen = on ? [...chosen, name].slice(-2) : chosen.filter((one) => one !== name);
    for (const box of document.querySelectorAll("#runs input")) box.checked = chosen.includes(box.value);
    $("compare").disabled = chosen.length !== 2;
    $("chosen").textContent = visible(chosen.length === 2 ? `A: ${chosen[0]}, B: ${chosen[1]}`
      : chosen.length === 1 ? `A: ${chosen[0]}. Choose another.` : "Choose two finished runs to compare them.");
  }

  function row(run) {
    const box = make("input", { type: "checkbox", value: run.name, "aria-label": `Choose ${visible(run.name)}` });
    box.disabled = !run.comparable;
    box.checked = chosen.includes(run.name);
    box.addEventListener("change", () => choose(run.name, box.checked));
    const at = `run/${encodeURIComponent(run.name)}/`;
    const value = make("td", { class: "num" });
    if (run.value) value.append(make("b", {}, run.value), run.interval ? ` (${run.interval})` : "");
    else value.append("\u2013");
    const state = make("td", {}, make("span", { class: `tag ${run.state}` }, run.state));
    if (run.objective && run.objective !== "none")
      state.append(" ", make("span", { class: `tag ${run.objective === "met" ? "met" : ""}` }, run.objective));
    if (run.why) state.append(make("span", { class: "quiet" }, ` ${run.why.slice(0, 200)}`));
    return make("tr", {},
      make("td", {}, box),
      make("th", { scope: "row", class: "name" }, make("a", { href: at }, run.name),
        run.kind === "search" ? make("span", { class: "quiet" }, " search") : ""),
      state,
      make("td", {}, run.metric || "\u2013"), value,
      make("td", {}, when(run.began)),
      make("td", {}, run.report ? make("a", { href: `${at}report.html` }, "report") : "\u2013"));
  }

  async function look() {
    try {
      const told = await ask("runs");
      tell("");
      if (told.single && told.runs.length) {
        location.replace(`run/${encodeURIComponent(told.runs[0].name)}/`);
        return;
      }
      const text = JSON.stringify(told);
      if (text !== shown) {
        shown = text;
        const names = told.runs.map((run) => run.name);
        const at = document.activeElement?.closest("#runs") ? [document.activeElement.tagName,
          document.activeElement.value ?? document.activeElement.getAttribute("href")] : null;
        $("runs").replaceChildren(...told.runs.map(row));
        if (at) for (const node of document.querySelectorAll(`#runs ${at[0]}`))
          if ((node.value ?? node.getAttribute("href")) === at[1]) { node.focus(); break; }
        chosen = chosen.filter((one) => names.includes(one));
        $("none").hidden = names.length > 0;
        $("table").hidden = names.length === 0;
        $("more").hidden = !told.left_out;
        $("more").textContent = `${told.left_out} older runs are not shown.`;
      }
    } catch (problem) {
      tell(problem.message);
    }
    setTimeout(look, EVERY);
  }

  async function compare() {
    $("compare").disabled = true;
    tell("");
    try {
      const found = await ask("compare", { a: chosen[0], b: chosen[1] });
      $("verdict").replaceChildren(make("b", {}, `A is ${found.verdict === "no evidence" ? "not shown to differ from B" : `${found.verdict} than B`}.`),
        ` ${visible(found.text)}`);
      $("name-a").textContent = visible(`A: ${found.a}`);
      $("name-b").textContent = visible(`B: ${found.b}`);
      $("scores").replaceChildren(...found.scores.map((one) => make("tr", {},
        make("th", { scope: "row" }, one.metric), make("td", { class: "num" }, one.a), make("td", { class: "num" }, one.b))));
      $("compared").hidden = false;
      $("compared").scrollIntoView({ block: "nearest" });
    } catch (problem) {
      tell(problem.message);
    }
    $("compare").disabled = chosen.length !== 2;
  }

  $("compare").addEventListener("click", compare);
  look();
})();
