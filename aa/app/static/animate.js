"use strict";
// The form Animate: uploads, what is in a file, time and memory before the start.

const form = document.getElementById("animate");
const known = {};  // what is in the files that are chosen, by key

const show = (box, about) => {
  const place = box.querySelector("[data-show]");
  const source = `${form.dataset.file}?path=${encodeURIComponent(about.path)}`;
  const shown = document.createElement(about.kind === "video" ? "video" : "img");
  place.replaceChildren();
  if (about.kind === "poses") return;
  shown.src = source;
  shown.className = "preview";
  if (about.kind === "video") Object.assign(shown, { muted: true, loop: true, controls: true, playsInline: true, preload: "metadata" });
  else shown.alt = "the chosen picture";
  shown.onerror = () => { place.textContent = "this browser does not show it; the animation reads it all the same."; };
  place.append(shown);
};

const tell = about => {
  const size = `${about.width}×${about.height}`;
  if (about.kind === "picture") return `picture, ${size}`;
  const seconds = (about.frames / about.fps).toFixed(1);
  return `${about.kind}, ${size}, ${about.frames} frames, ${seconds} s${about.sound ? ", sound" : ""}`;
};

const chosen = (box, about) => {
  known[box.dataset.choose] = about;
  box.querySelector("[data-about]").textContent = tell(about);
  show(box, about);
  if (box.dataset.choose === "motion" && about.kind !== "picture") {
    const kind = about.kind === "poses" || about.drawn ? "pose" : "driving";
    form.elements.kind.value = kind;
    kinds();
  }
  estimate();
};

const wrong = (box, error) => {
  delete known[box.dataset.choose];
  box.querySelector("[data-about]").textContent = error.message;
  box.querySelector("[data-show]").replaceChildren();
};

const look = async box => {
  const path = box.querySelector("input[name]").value.trim();
  if (!path) return;
  box.querySelector("[data-about]").textContent = "looking into it";
  try { chosen(box, await post(form.dataset.look, { path })); } catch (error) { wrong(box, error); }
};

const upload = (box, file) => {
  const most = Number(box.querySelector("input[type=file]").dataset.most);
  if (file.size > most * 1e6) return wrong(box, new Error(`a file has at most ${most} MB.`));
  const bar = box.querySelector("progress"), asked = new XMLHttpRequest();
  asked.open("POST", `${form.dataset.upload}?name=${encodeURIComponent(file.name)}`);
  asked.setRequestHeader("Content-Type", "application/octet-stream");
  asked.upload.onprogress = event => { bar.hidden = false; bar.value = event.loaded / event.total; };
  asked.onloadend = () => {
    bar.hidden = true;
    let said = { error: "the upload was cut off." };
    try { said = JSON.parse(asked.responseText); } catch { /* the line above says it */ }
    if (asked.status !== 200) return wrong(box, new Error(said.error));
    box.querySelector("input[name]").value = said.path;
    chosen(box, said);
  };
  asked.send(file);
};

const kinds = () => {
  const driving = form.elements.kind.value === "driving";
  for (const part of form.querySelectorAll("[data-for=driving]")) part.hidden = !driving;
};

const resultSize = values => {
  const motion = known.motion, picture = known.reference;
  let { width, height } = values.kind === "driving" && picture ? picture : motion;
  const most = motion.width * motion.height;
  const scale = Math.min(1, Math.sqrt(most / (width * height)));
  if (values.width && values.height) return { width: values.width, height: values.height };
  return { width: Math.round(width * scale / 8) * 8, height: Math.round(height * scale / 8) * 8 };
};

const spell = seconds => seconds < 100 ? `${Math.ceil(seconds)} s` : seconds < 6000 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;

const estimate = () => {
  clearTimeout(estimate.timer);
  estimate.timer = setTimeout(async () => {
    const line = document.getElementById("estimate"), asked = ++estimate.count;
    if (!known.motion || !known.reference) return;
    const values = valuesOf(form), size = resultSize(values);
    const frames = values.num_frames || known.motion.frames || 1;
    const said = [`${frames} frames of ${size.width}×${size.height}`];
    const tellIt = () => { if (asked === estimate.count) line.textContent = said.join(" · "); };
    try {
      const time = await post(form.dataset.estimate, { ...values, frames, result_width: size.width, result_height: size.height });
      said.push(time.seconds === null ? "time: no run with these weights yet, so nothing to go by" : `about ${spell(time.seconds)}, as ${time.runs} earlier run${time.runs > 1 ? "s" : ""} say`);
      said.push("counting its memory");
      tellIt();
      const plan = await post(form.dataset.plan, { ...values, form: estimate.form });
      said[2] = `${plan.gib.toFixed(1)} GiB: ${plan.said}`;
    } catch (error) { said.push(error.message); }
    tellIt();
  }, 500);
};
estimate.count = 0;
estimate.form = Math.random().toString(36);  // tells this form from those of other tabs

if (form) {
  for (const box of form.querySelectorAll("[data-choose]")) {
    box.querySelector("input[name]").addEventListener("change", () => look(box));
    box.querySelector("input[type=file]").addEventListener("change", event => {
      if (event.target.files[0]) upload(box, event.target.files[0]);
    });
    box.addEventListener("dragover", event => { event.preventDefault(); box.classList.add("over"); });
    box.addEventListener("dragleave", () => box.classList.remove("over"));
    box.addEventListener("drop", event => {
      event.preventDefault();
      box.classList.remove("over");
      if (event.dataTransfer.files[0]) upload(box, event.dataTransfer.files[0]);
    });
    look(box);
  }
  form.addEventListener("change", () => { kinds(); estimate(); });
  kinds();
}

// On the screen of the check, poses lie over the picture and move once they are looked at.
const layers = () => { for (const video of document.querySelectorAll(".layers video")) video.play().catch(() => {}); };
document.addEventListener("refreshed", event => {
  layers();
  const part = event.target;
  if (part.id === "check" && !part.querySelector("progress")) location.reload();
});
layers();
