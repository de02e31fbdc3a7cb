"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const ERROR_SCALE = 20; // per cent of white that the largest number of an error means
  const KEPT = 6; // slices whose pixels stay in memory
  const FRAME = 400; // milliseconds of a sample
  const blocks = document.querySelectorAll("script.slice");
  const stops = [0x000004, 0x1b0c41, 0x4a0c6b, 0x781c6d, 0xa52c60, 0xcf4446, 0xed6925, 0xfb9b06, 0xf7d13d, 0xfcffa4];
  const state = { row: 0, place: 0, level: 50, width: 100, top: Number(byId("top").value), sample: 0 };
  const [tall, wide] = byId("report").dataset.pixel.split(" ").map(Number);
  const kept = new Map();
  let slice = null;
  let timer = 0;

  const opaque = (red, green, blue) => (255 << 24) | (blue << 16) | (green << 8) | red;

  function greys() {
    const low = state.level - state.width / 2;
    return Uint32Array.from({ length: 256 }, (_, value) => {
      const grey = Math.round(Math.min(Math.max(((value / 2.55 - low) / state.width) * 255, 0), 255));
      return opaque(grey, grey, grey);
    });
  }

  function colours(top) {
    return Uint32Array.from({ length: 256 }, (_, value) => {
      const along = Math.min((value / 255) * (ERROR_SCALE / top), 1) * (stops.length - 1);
      const first = Math.min(Math.floor(along), stops.length - 2);
      const part = (shift) => {
        const [from, to] = [(stops[first] >> shift) & 255, (stops[first + 1] >> shift) & 255];
        return Math.round(from + (to - from) * (along - first));
      };
      return opaque(part(16), part(8), part(0));
    });
  }

  async function pixels(png) {
    const image = new Image();
    image.src = `data:image/png;base64,${png}`;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    const found = context.getImageData(0, 0, canvas.width, canvas.height).data;
    return { width: canvas.width, height: canvas.height, grey: Uint8Array.from({ length: found.length / 4 }, (_, k) => found[4 * k]) };
  }

  function opened(row) {
    if (!kept.has(row)) {
      const told = JSON.parse(blocks[row].textContent);
      const places = told.pictures.error ? [...told.images, "error"] : told.images;
      kept.set(row, { ...told, places, decoded: new Map(), drawn: [] });
      if (kept.size > KEPT) kept.delete(kept.keys().next().value);
    }
    return kept.get(row);
  }

  async function decode(one, names) {
    const missing = names.filter((name) => one.pictures[name] && !one.decoded.has(name));
    await Promise.all(missing.map(async (name) => {
      const isError = name === "error" || name === "deviation";
      one.decoded.set(name, { ...(await pixels(one.pictures[name])), isError });
    }));
  }

  async function decodeSamples(one) {
    if (one.drawn.length) return;
    const about = one.decoded.get(one.images[one.about]).grey;
    const differences = await Promise.all(one.samples.map(pixels)); // from the image, modulo 256
    one.drawn = differences.map((each) => ({ ...each, isError: false, grey: each.grey.map((value, k) => (value + about[k]) & 255) }));
  }

  const called = (name) => (name === "error" ? "difference" : name);

  function placed(one) { // the image that is shown, and the one that is drawn over a part of it
    const first = Math.min(Math.floor(state.place), one.places.length - 1);
    return state.place > first && first + 1 < one.places.length ? [one.places[first], one.places[first + 1]] : [one.places[first]];
  }

  function draw(canvas, picture, over, part) {
    const { width, height } = picture;
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    canvas.style.aspectRatio = `${width * wide} / ${height * tall}`;
    const context = canvas.getContext("2d", { willReadFrequently: true }); // pixels come from memory, not a GPU
    const data = context.createImageData(width, height);
    const words = new Uint32Array(data.data.buffer);
    const tables = [greys(), colours(state.top)];
    const edge = over ? Math.round(part * width) : 0;
    const [under, upper] = [tables[+picture.isError], over ? tables[+over.isError] : null];
    for (let k = 0, y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1, k += 1) words[k] = x < edge ? upper[over.grey[k]] : under[picture.grey[k]];
      if (edge > 0 && edge < width) words[y * width + edge] = opaque(80, 160, 255);
    }
    context.putImageData(data, 0, 0);
  }

  function show() {
    if (!slice) return;
    const names = placed(slice);
    const name = names.map(called).reverse().join(" | ");
    const [under, over] = names.map((each) => slice.decoded.get(each));
    if (under && (over || names.length === 1)) draw(byId("image"), under, over, state.place % 1);
    byId("image").setAttribute("aria-label", `${name}, slice ${slice.number}`);
    byId("place-name").textContent = name;
    byId("place").setAttribute("aria-valuetext", name);
    for (const [k, button] of [...byId("places").children].entries()) button.setAttribute("aria-pressed", String(k === state.place));
    for (const [id, value] of [["level", state.level], ["width", state.width]]) {
      byId(id).value = value;
      byId(`${id}-value`).textContent = `${Math.round(value)} %`;
    }
    for (const each of ["deviation", "error"]) if (slice.decoded.has(each)) draw(byId(each), slice.decoded.get(each));
    byId("top").value = state.top;
    byId("top-name").textContent = byId("top-value").textContent = `${state.top} %`;
    if (slice.drawn.length) {
      draw(byId("sample"), slice.drawn[state.sample]);
      byId("sample-number").value = state.sample;
      byId("sample-name").textContent = `${state.sample + 1} of ${slice.samples.length}`;
    }
  }

  function scores() {
    const body = byId("scores").tBodies[0];
    body.replaceChildren(...slice.scores.map((cells) => {
      const row = document.createElement("tr");
      row.append(...cells.map((text, k) => Object.assign(document.createElement(k ? "td" : "th"), { textContent: text })));
      return row;
    }));
    byId("scores").hidden = !slice.scores.length;
  }

  async function go(row) {
    state.row = row;
    byId("slice").value = row;
    const asked = opened(row);
    const isAsked = () => state.row === row; // and not another meanwhile
    await decode(asked, placed(asked)); // what is looked at first
    if (!isAsked()) return;
    slice = asked;
    byId("slice-name").textContent = `${slice.number} (${row + 1} of ${blocks.length})`;
    state.sample = Math.min(state.sample, Math.max(slice.samples.length - 1, 0));
    scores();
    show();
    await decode(asked, [...asked.places, "deviation"]);
    if (isAsked()) show();
    await decodeSamples(asked);
    if (!isAsked()) return;
    show();
    document.body.dataset.shown = String(slice.number);
  }

  function play(isPlaying) {
    clearInterval(timer);
    timer = isPlaying ? setInterval(() => { state.sample = (state.sample + 1) % slice.samples.length; show(); }, FRAME) : 0;
    byId("play").setAttribute("aria-pressed", String(isPlaying));
    byId("play").textContent = isPlaying ? "Pause" : "Play";
  }

  function bar() {
    const context = byId("bar").getContext("2d");
    const data = context.createImageData(256, 1);
    new Uint32Array(data.data.buffer).set(colours(ERROR_SCALE));
    context.putImageData(data, 0, 0);
  }

  function dragged(canvas) {
    let from = null;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      from = { x: event.clientX, y: event.clientY, level: state.level, width: state.width };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!from) return;
      const scale = 100 / canvas.clientWidth;
      state.width = Math.min(Math.max(from.width + (event.clientX - from.x) * scale, 1), 100);
      state.level = Math.min(Math.max(from.level - (event.clientY - from.y) * scale, 0), 100);
      show();
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { from = null; });
  }

  async function begin() {
    const first = opened(0);
    byId("slice").max = blocks.length - 1;
    byId("slice").closest("div").hidden = blocks.length < 2;
    byId("place").max = first.places.length - 1;
    byId("places").append(...first.places.map((name, k) => {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: called(name) });
      button.addEventListener("click", () => { state.place = k; byId("place").value = k; show(); });
      return button;
    }));
    state.place = first.about;
    byId("place").value = state.place;
    byId("errors").hidden = !first.pictures.deviation && !first.pictures.error;
    for (const name of ["deviation", "error"]) byId(`${name}-figure`).hidden = !first.pictures[name];
    byId("samples").hidden = !first.samples.length;
    byId("sample-number").max = Math.max(first.samples.length - 1, 0);
    const several = first.samples.length > 1;
    byId("play").hidden = byId("sample-number").hidden = !several;
    bar();
    for (const [id, name] of [["place", "place"], ["level", "level"], ["width", "width"], ["top", "top"]]) {
      byId(id).addEventListener("input", (event) => { state[name] = Number(event.target.value); show(); });
    }
    byId("slice").addEventListener("input", (event) => go(Number(event.target.value)));
    byId("sample-number").addEventListener("input", (event) => { play(false); state.sample = Number(event.target.value); show(); });
    byId("play").addEventListener("click", () => play(!timer));
    dragged(byId("image"));
    await go(0);
    if (several && !matchMedia("(prefers-reduced-motion: reduce)").matches) play(true);
    document.body.dataset.ready = "yes";
  }

  const copy = byId("copy");
  if (copy) {
    copy.addEventListener("click", () => {
      const range = document.createRange();
      range.selectNodeContents(byId("command"));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      copy.textContent = document.execCommand("copy") ? "Copied" : "Selected"; // files of a disk have no other clipboard
    });
  }
  begin();
})();
