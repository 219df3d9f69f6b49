"use strict";
// A skeleton whose joints can be dragged; the server's answer is drawn beside it.

const box = document.querySelector("[data-skeleton]");
const canvas = document.getElementById("skeleton"), result = document.getElementById("result");
const speed = document.getElementById("speed"), play = document.getElementById("play");
const REACH = 0.07;  // of the picture: how near to a joint a finger must be
// Joints that move with one that is dragged: whole limbs follow, and the body with the neck.
const WITH = {
  neck: null, nose: ["right_eye", "left_eye", "right_ear", "left_ear"],
  right_shoulder: ["right_elbow", "right_wrist"], left_shoulder: ["left_elbow", "left_wrist"],
  right_elbow: ["right_wrist"], left_elbow: ["left_wrist"],
  right_hip: ["right_knee", "right_ankle"], left_hip: ["left_knee", "left_ankle"],
  right_knee: ["right_ankle"], left_knee: ["left_ankle"],
};
let about, points, dragged = null, waiting = false, wanted = false, timer = null, frame = 0, answers = 0;
const times = [];

const draw = () => {
  const size = canvas.width, pen = canvas.getContext("2d");
  const at = joint => [points[joint][0] * size, points[joint][1] * size];
  pen.fillStyle = "#0d1117";
  pen.fillRect(0, 0, size, size);
  pen.lineCap = "round";
  about.limbs.forEach(([first, second], number) => {
    pen.strokeStyle = `rgb(${about.colours[number].map(c => Math.round(c * 0.6))})`;
    pen.lineWidth = size / 40;
    pen.beginPath();
    pen.moveTo(...at(first));
    pen.lineTo(...at(second));
    pen.stroke();
  });
  points.forEach((_, joint) => {
    pen.fillStyle = `rgb(${about.colours[joint]})`;
    pen.beginPath();
    pen.arc(...at(joint), joint === dragged ? size / 38 : size / 52, 0, 7);
    pen.fill();
  });
};

const ask = async () => {
  wanted = true;
  if (waiting) return;  // the newest pose is asked for as soon as the last is answered
  waiting = true;
  while (wanted) {
    wanted = false;
    const begun = performance.now();
    try {
      const said = await post(box.dataset.figure, { points, steps: Number(document.getElementById("steps").value) });
      const shown = new Image();
      const bytes = Uint8Array.from(atob(said.png), letter => letter.charCodeAt(0));
      shown.src = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
      await shown.decode();
      result.getContext("2d").drawImage(shown, 0, 0);
      URL.revokeObjectURL(shown.src);
      answers += 1;
      result.dataset.answers = answers;
      if (answers > 1) times.push(performance.now() - begun);  // the first woke the model up
      if (times.length > 12) times.shift();
      const middle = [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)];
      speed.textContent = answers > 1
        ? `From pose to picture: ${Math.round(middle)} ms, of which the model takes ${Math.round(said.ms)} ms.`
        : "The model is awake.";
    } catch (error) {
      speed.textContent = error.message;
      wanted = false;
      stop();
    }
  }
  waiting = false;
};

const moved = () => { draw(); ask(); };

const where = event => {
  const place = canvas.getBoundingClientRect();
  return [(event.clientX - place.left) / place.width, (event.clientY - place.top) / place.height];
};

const inside = value => Math.min(0.99, Math.max(0.01, value));

const drag = (joint, [x, y]) => {
  const dx = x - points[joint][0], dy = y - points[joint][1];
  const name = about.names[joint];
  const others = name === "neck" ? about.names : [name, ...(WITH[name] || [])];
  for (const other of others) {
    const number = about.names.indexOf(other);
    points[number] = [inside(points[number][0] + dx), inside(points[number][1] + dy)];
  }
  moved();
};

const stop = () => {
  clearInterval(timer);
  timer = null;
  play.setAttribute("aria-pressed", "false");
  play.textContent = "Play a motion";
};

const start = () => {
  play.setAttribute("aria-pressed", "true");
  play.textContent = "Stop the motion";
  timer = setInterval(() => {
    frame = (frame + 1) % (2 * about.frames.length - 2);
    const number = frame < about.frames.length ? frame : 2 * about.frames.length - 2 - frame;
    points = about.frames[number].map(point => [...point]);
    moved();
  }, 1000 / about.rate);
};

canvas.addEventListener("pointerdown", event => {
  const [x, y] = where(event);
  const far = points.map(point => Math.hypot(point[0] - x, point[1] - y));
  const nearest = far.indexOf(Math.min(...far));
  if (far[nearest] > REACH) return;
  stop();
  dragged = nearest;
  canvas.setPointerCapture(event.pointerId);
  draw();
});
canvas.addEventListener("pointermove", event => { if (dragged !== null) drag(dragged, where(event)); });
for (const end of ["pointerup", "pointercancel"]) {
  canvas.addEventListener(end, () => { dragged = null; draw(); });
}
play.addEventListener("click", () => timer === null ? start() : stop());
document.getElementById("steps").addEventListener("change", ask);
document.getElementById("upright").addEventListener("click", () => {
  stop();
  points = about.frames[0].map(point => [...point]);
  moved();
});
document.addEventListener("visibilitychange", () => { if (document.hidden) stop(); });

fetch(box.dataset.skeleton).then(answer => answer.json()).then(found => {
  about = found;
  points = about.frames[0].map(point => [...point]);
  moved();
});
