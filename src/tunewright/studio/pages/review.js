"use strict";
(() => {
  const SHORT = 9;  // labels that have a key each
  let told, shown = [], at = 0, busy = false;

  const suspects = (item) => item.findings.some((kind) => kind !== "mistake");
  const filters = {
    all: () => true,
    undecided: (item) => !told.decided[item.row],
    suspects,
    mistake: (item) => item.findings.includes("mistake"),
  };
  const current = () => shown[at];

  // The labels with a key: all of them where they are few, else those that somebody proposes.
  function proposed(item) {
    if (told.labels.length && told.labels.length <= SHORT && told.task !== "multilabel") return told.labels;
    return [...new Set([item.suggested, item.predicted])].filter((one) => one !== null && one !== item.given);
  }

  const suggestion = (item) => [item.suggested, item.predicted].find((one) => one !== null && one !== item.given) ?? null;

  function show() {
    const item = current(), decided = Object.keys(told.decided).length;
    $("headline").textContent = `${decided} of ${told.items.length} rows decided`;
    document.title = `${decided} of ${told.items.length} · Review`;
    $("place").textContent = shown.length ? `${at + 1} of ${shown.length}` : "No row of this kind.";
    $("row").hidden = !item;
    $("choices").replaceChildren();
    if (!item) return;
    $("number").textContent = `Row ${item.row}`;
    $("tags").replaceChildren(...[item.part, ...item.findings].filter(Boolean).flatMap((one) =>
      [make("span", { class: "tag" }, one.replaceAll("_", " ")), " "]));
    $("cells").replaceChildren(...Object.entries(item.cells).map(([name, text]) =>
      make("p", { class: "cell" }, make("b", {}, name), text === "" ? "(empty)" : text)));
    $("given").textContent = item.given === null ? "(none)" : visible(item.given);
    for (const name of ["suggested", "predicted"]) {
      $(`box-${name}`).hidden = item[name] === null;
      const sure = name === "predicted" && item.confidence !== null ? ` (${item.confidence.toFixed(2)})` : "";
      $(name).textContent = item[name] === null ? "" : visible(item[name]) + sure;
    }
    const one = told.decided[item.row];
    $("decided").replaceChildren(...(one ? [make("span", { class: `tag ${one.decision}` }, one.decision),
      ` ${one.label === null ? "" : visible(one.label)}`] : ["not yet"]));
    $("why").textContent = one ? visible([one.who, one.comment].filter(Boolean).join(": ")) : "";
    $("sealed").hidden = item.part !== "test";
    $("take").disabled = suggestion(item) === null;
    $("choices").append(...proposed(item).map((label, place) => make("button", {
      type: "button",
      class: label === item.given ? "given" : label === item.suggested ? "suggested" : "",
      onclick: () => relabel(label),
    }, make("kbd", {}, String(place + 1)), ` ${visible(label)}`, label === item.given ? " (as given)" : "")));
  }

  function filter() {
    const row = current()?.row;
    shown = told.items.filter(filters[$("show").value]);
    at = Math.max(shown.findIndex((item) => item.row === row), 0);
    show();
  }

  function move(by) {
    if (shown.length) at = Math.min(Math.max(at + by, 0), shown.length - 1);
    show();
  }

  // On to the next row that nobody has decided; where there is none, to the next.
  function onward() {
    const next = shown.findIndex((item, place) => place > at && !told.decided[item.row]);
    at = next >= 0 ? next : Math.min(at + 1, Math.max(shown.length - 1, 0));
    show();
  }

  async function send(what, body) {
    if (busy) return null;
    busy = true;
    tell("");
    try {
      const found = await ask(what, body);
      if (found.row !== null) {
        if (found.decided) told.decided[found.row] = found.decided;
        else delete told.decided[found.row];
      }
      $("undo").disabled = !found.steps;
      return found;
    } catch (problem) {
      tell(problem.message);
      return null;
    } finally {
      busy = false;
    }
  }

  async function decide(decision, label = "") {
    const item = current(), who = $("who").value.trim();
    if (!item) return;
    if (!who) {
      tell("A decision must have a name beside it. Write who decides.");
      $("who").focus();
      return;
    }
    if (await send("decide", { row: item.row, decision, label, who, comment: $("comment").value })) {
      for (const id of ["comment", "label"]) $(id).value = "";
      onward();
    }
  }

  const relabel = (label) => label === current()?.given ? decide("keep") : decide("relabel", label);

  async function clear() {
    if (current() && await send("clear", { row: current().row })) show();
  }

  async function undo() {
    const found = await send("undo", {});
    if (!found || found.row === null) return;
    let place = shown.findIndex((item) => item.row === found.row);
    if (place < 0) {
      $("show").value = "all";
      shown = told.items;
      place = shown.findIndex((item) => item.row === found.row);
    }
    at = Math.max(place, 0);
    show();
  }

  const keys = {
    k: () => decide("keep"),
    s: () => { const label = current() && suggestion(current()); if (label !== null && label !== undefined) relabel(label); },
    d: () => decide("drop"),
    x: clear,
    u: undo,
    l: () => $("label").focus(),
    c: () => $("comment").focus(),
    ArrowLeft: () => move(-1),
    ArrowRight: () => move(1),
  };

  document.addEventListener("keydown", (event) => {
    if (!told || event.ctrlKey || event.metaKey || event.altKey) return;
    const field = event.target.closest("input, select, textarea");
    if (field) {
      if (event.key === "Escape") field.blur();
      if (event.key === "Enter" && field === $("label") && field.value.trim()) { relabel(field.value.trim()); field.blur(); }
      if (event.key === "Enter" && field !== $("label")) field.blur();
      return;
    }
    const number = /^[1-9]$/.test(event.key) ? Number(event.key) : 0;
    const label = number && current() ? proposed(current())[number - 1] : undefined;
    if (label !== undefined) relabel(label);
    else if (Object.hasOwn(keys, event.key)) keys[event.key]();
    else return;
    event.preventDefault();
  });
  for (const button of document.querySelectorAll("button[data-key]"))
    button.addEventListener("click", () => keys[button.dataset.key]());
  $("show").addEventListener("change", filter);

  async function begin() {
    try {
      told = await ask("queue");
    } catch (problem) {
      $("headline").textContent = "There is nothing to review";
      tell(problem.message);
      return;
    }
    $("who").value = visible(told.who);
    $("target").textContent = `${told.target}, as given`;
    $("path").textContent = told.path;
    $("command").textContent = told.command;
    $("labels").append(...told.labels.map((one) => { const node = make("option"); node.value = one; return node; }));
    shown = told.items;
    const first = shown.findIndex((item) => !told.decided[item.row]);
    at = Math.max(first, 0);
    $("review").hidden = false;
    show();
    if (!told.items.length) $("headline").textContent = "There is nothing to review";
    if (told.left_out) tell(`${told.left_out} further suspects are not shown.`);
  }
  begin();
})();
