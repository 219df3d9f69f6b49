"use strict";
// What every screen needs: buttons and forms that post JSON, parts that refresh themselves.

const toast = text => {
  const line = document.getElementById("toast");
  line.textContent = text;
  line.hidden = false;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { line.hidden = true; }, 6000);
};

const post = async (url, values) => {
  const answer = await fetch(url, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(values),
  }).catch(() => { throw new Error("the page's server does not answer; jobs go on without it."); });
  const said = await answer.json().catch(() => ({ error: `the server answered ${answer.status}` }));
  if (!answer.ok) throw new Error(said.error);
  return said;
};

const valuesOf = form => {
  const values = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled) continue;
    if (field.type === "radio" && !field.checked) continue;
    values[field.name] = field.type === "checkbox" ? field.checked : field.value;
  }
  return values;
};

const act = async (owner, values) => {
  const buttons = owner.matches("button") ? [owner] : owner.querySelectorAll("button");
  for (const button of buttons) button.disabled = true;
  try {
    const said = await post(owner.dataset.api, values);
    const then = owner.dataset.then;
    if (then === "go" && said.go) { location.assign(said.go); return; }
    if (then === "reload") { location.reload(); return; }
    if (then === "refresh") await refresh(owner.closest("[data-refresh]"), true);
    if (then === "said") toast(said.said || owner.dataset.said || "Done.");
  } catch (error) {
    toast(error.message);
  }
  for (const button of buttons) button.disabled = false;
};

let pressed = false;  // a click is two events on one element
for (const [name, down] of [["pointerdown", true], ["pointerup", false], ["pointercancel", false]]) {
  document.addEventListener(name, () => { pressed = down; }, true);
}

const busy = part =>
  part.contains(document.activeElement) && /INPUT|TEXTAREA|SELECT/.test(document.activeElement.tagName)
    && document.activeElement.type !== "checkbox"
  || [...part.querySelectorAll("video")].some(video => video.controls && !video.paused);

// Parts of a part that are marked data-keep are replaced one by one, where they have changed: what
// plays in the others plays on.
const keyed = root => [...root.querySelectorAll("[data-keep]")];

const replaceParts = (part, text) => {
  const fresh = document.createElement("template");
  fresh.innerHTML = text;
  const now = keyed(part), next = keyed(fresh.content), old = part.sources || {};
  const sources = Object.fromEntries(next.map(node => [node.dataset.keep, node.outerHTML]));
  const alike = now.length > 0 && now.length === next.length
    && now.every((node, place) => node.dataset.keep === next[place].dataset.keep);
  part.sources = sources;
  if (!alike) { part.replaceChildren(fresh.content); return; }
  now.forEach((node, place) => {
    const key = node.dataset.keep;
    if (busy(node)) sources[key] = old[key];
    else if (sources[key] !== old[key]) node.replaceWith(next[place]);
  });
};

const refresh = async (part, now = false) => {
  const whole = part && keyed(part).length === 0;
  if (!part || (!now && (document.hidden || pressed || (whole && busy(part))))) return;
  const answer = await fetch(part.dataset.refresh).catch(() => null);
  if (!answer || !answer.ok) { part.classList.add("stale"); return; }
  part.classList.remove("stale");
  const text = await answer.text();
  if (text === part.shown && !keyed(part).some(busy)) return;
  const open = [...part.querySelectorAll("details[open]")].map(d => d.id);
  const chosen = new Set([...part.querySelectorAll("input:checked")].map(box => box.value));
  const focused = document.activeElement?.dataset?.json;
  part.shown = text;
  replaceParts(part, text);
  if (focused) [...part.querySelectorAll("button")].find(b => b.dataset.json === focused)?.focus();
  for (const id of open) if (id && document.getElementById(id)) document.getElementById(id).open = true;
  for (const box of part.querySelectorAll("input[type=checkbox]")) box.checked = chosen.has(box.value);
  part.dispatchEvent(new Event("refreshed", { bubbles: true }));
};

const pixelated = () => {
  for (const shown of document.querySelectorAll("video, img")) {
    const width = shown.videoWidth || shown.naturalWidth;
    if (width && width < 300) shown.classList.add("small");
  }
};

document.addEventListener("click", event => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.api && button.dataset.json) act(button, JSON.parse(button.dataset.json));
  if (button.dataset.copy) {
    navigator.clipboard.writeText(button.dataset.copy).then(() => toast("Copied."), () => toast("Select the text to copy it."));
  }
  if ("play" in button.dataset) {
    const videos = button.closest("article").querySelectorAll("video");
    for (const video of videos) { video.currentTime = 0; video.play(); }
  }
});

document.addEventListener("submit", event => {
  const form = event.target;
  if (!form.dataset.api) return;
  event.preventDefault();
  act(form, valuesOf(form));
});

document.addEventListener("loadedmetadata", pixelated, true);
document.addEventListener("load", pixelated, true);

addEventListener("DOMContentLoaded", () => {
  pixelated();
  for (const part of document.querySelectorAll("[data-refresh]:not([data-still])")) {
    part.shown = null;
    setInterval(() => refresh(part), Number(part.dataset.every) || 3000);
  }
});
