/* Signing in, and reading: each answer is saved by the server before the next image shows. */
"use strict";

import { Answers } from "./answers.js";
import { Viewer } from "./viewer.js";

const RETRY_MS = 1000;
const WINDOW_STEP = 0.05;
const MOVE_STEP = 0.05;

const at = (selector) => document.querySelector(selector);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const panes = [...document.querySelectorAll(".pane")];
const viewer = new Viewer(at("#stage"), at("#frame"));
const answers = new Answers(at("#answers"), onAnswers);
const fetched = new Map(); /* by the id of a screen, a promise of its images */
let progress = null;
let isBusy = false;

class SignedOut extends Error {}

/* The server's answer, whatever it and the network do meanwhile: asking twice changes nothing. */
async function ask(path, body) {
  for (let told = ""; ; ) {
    const response = await fetch(path, body === undefined ? {} : {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    }).catch(() => null);
    if (response?.status === 401) throw new SignedOut();
    if (response && response.status < 500) {
      takeBack(told);
      return response;
    }
    const trouble = response ? "The server is in trouble" : "The server does not answer";
    told = `${trouble}; trying again. Your answer stays here until it is saved.`;
    tell(told);
    await pause(RETRY_MS);
  }
}

function tell(text) {
  if (text && !document.querySelector("main:not([hidden])")) only("sign-in"); /* or nobody sees it */
  for (const status of document.querySelectorAll(".status")) status.textContent = text;
}

/* Images are fetched ahead beside an answer, whose own message stays. */
function takeBack(text) {
  for (const status of document.querySelectorAll(".status")) {
    if (status.textContent === text) status.textContent = "";
  }
}

function only(id) {
  for (const main of document.querySelectorAll("main")) main.hidden = main.id !== id;
}

async function imagesOf(screen) {
  const sides = Array.from({ length: screen.n_images }, async (_, side) => {
    const response = await ask(`api/images/${screen.id}/${side}`);
    if (!response.ok) throw new Error(`image ${response.status}`);
    return new Uint16Array(await response.arrayBuffer());
  });
  return Promise.all(sides);
}

/* Keep the images of these screens, fetched ahead, and forget the others'. */
function keep(...screens) {
  const wanted = screens.filter(Boolean);
  for (const id of fetched.keys()) {
    if (!wanted.some((screen) => screen.id === id)) fetched.delete(id);
  }
  for (const screen of wanted) {
    if (fetched.has(screen.id)) continue;
    const images = imagesOf(screen);
    images.catch(() => fetched.delete(screen.id)); /* asked for again when it is shown */
    fetched.set(screen.id, images);
  }
}

/* Show where the reader is. pressed: when the key was pressed that led here. */
async function show(found, { pressed = performance.now(), undone = null } = {}) {
  const before = progress?.current;
  progress = found;
  at("#bar").max = found.n_all;
  at("#bar").value = found.n_done;
  at("#count").textContent = `${found.n_done} of ${found.n_all}`;
  for (const button of document.querySelectorAll("[data-does=undo]")) {
    button.disabled = found.last === null;
  }
  if (!found.current) return only("finished");
  keep(found.current, found.next, before);
  const images = await fetched.get(found.current.id);
  only("reading");
  viewer.show(images, found.current.form, found.white);
  answers.begin(found.current.id, undone);
  document.body.dataset.showing = found.current.id;
  requestAnimationFrame(() => performance.measure("case shown", { start: pressed }));
}

/* Do one thing at a time; a key pressed meanwhile is not a second answer. */
async function once(action) {
  if (isBusy) return;
  isBusy = true;
  try {
    await action();
  } catch (error) {
    if (error instanceof SignedOut) askForCode();
    else tell("Something went wrong; load the page again. What was saved is safe.");
  } finally {
    isBusy = false;
  }
}

const save = () => once(async () => {
  if (at("#reading").hidden || !answers.isComplete) return;
  const pressed = performance.now();
  const body = { showing: progress.current.id, answer: answers.given };
  const response = await ask("api/readings", body);
  if (!response.ok) return tell("This answer was refused; load the page again.");
  const found = await response.json();
  answers.end();
  tell(found.outcome === "overtaken" ? "This image was read in another tab already." : "");
  await show(found, { pressed });
});

const undo = () => once(async () => {
  if (!progress?.last) return;
  const [pressed, undone] = [performance.now(), progress.last_answer];
  const response = await ask("api/undo", { showing: progress.last });
  if (!response.ok) return tell("Nothing was undone; load the page again.");
  const found = await response.json();
  const isUndone = found.outcome !== "overtaken";
  tell(isUndone ? "" : "Another tab has gone on; this is where you are.");
  await show(found, { pressed, undone: isUndone ? undone : null });
});

const leave = () => once(async () => {
  await ask("api/sign-out", {});
  askForCode();
});

function onAnswers(isComplete) {
  at("#save").disabled = !isComplete;
  const choice = answers.given.choice;
  panes.forEach((pane, side) => pane.classList.toggle("chosen", choice === side + 1));
}

function askForCode() {
  progress = null;
  fetched.clear();
  only("sign-in");
  at("#code").focus();
}

at("#sign-in form").addEventListener("submit", (event) => {
  event.preventDefault();
  once(async () => {
    const response = await ask("api/sign-in", { code: at("#code").value });
    const trouble = response.ok ? "" : (await response.json()).detail;
    at("#sign-in-trouble").textContent = trouble && `Not signed in: ${trouble}.`;
    if (response.ok) await start();
  });
});
at("#answers").addEventListener("submit", (event) => {
  event.preventDefault();
  save();
});
const deeds = { undo, leave, help: () => at("#help").showModal() };
for (const button of document.querySelectorAll("[data-does]")) {
  button.addEventListener("click", () => deeds[button.dataset.does]());
}

const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const keys = {
  w: () => viewer.changeWindow(WINDOW_STEP, 0),
  s: () => viewer.changeWindow(-WINDOW_STEP, 0),
  d: () => viewer.changeWindow(0, 2 * WINDOW_STEP),
  a: () => viewer.changeWindow(0, -2 * WINDOW_STEP),
  "+": () => viewer.zoomBy(1.2),
  "=": () => viewer.zoomBy(1.2),
  "-": () => viewer.zoomBy(1 / 1.2),
  pageup: () => viewer.scroll(-1),
  pagedown: () => viewer.scroll(1),
  r: () => viewer.reset(),
  h: deeds.help,
  "?": deeds.help,
};

function onArrow(event) {
  const [x, y] = arrows[event.key];
  if (event.shiftKey) viewer.moveBy(x * MOVE_STEP, y * MOVE_STEP);
  else if (answers.isChoice) { if (x) answers.score(x < 0 ? 1 : 2); }
  else if (y) answers.activate(answers.active + y);
  else answers.scoreBy(x);
}

document.addEventListener("keydown", (event) => {
  const isElsewhere = at("#help").open || !at("#sign-in").hidden;
  if (isElsewhere || event.ctrlKey || event.altKey || event.metaKey) return;
  const key = event.key.toLowerCase();
  if (key === "enter" && event.target.closest("button")) return;
  if (key === "enter") { if (!event.repeat) save(); }
  else if (key === "u" || key === "backspace") { if (!event.repeat) undo(); }
  else if (event.key in arrows) onArrow(event);
  else if (/^[1-9]$/.test(key)) { if (!event.repeat) answers.score(Number(key)); }
  else if (key in keys) keys[key]();
  else return;
  event.preventDefault();
});

async function start() {
  const response = await ask("api/progress");
  await show(await response.json());
}
once(start);
