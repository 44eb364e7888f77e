// Predictions that answer, and recorded runs that can be walked through. Needs nothing but the page it stands in;
// without it the page has stills, and answers that are folded away.
(function () {
  "use strict";

  // ---- Numbers, as the program reads and writes them (src/lesson/answer.rs, src/lesson/prediction.rs). ----

  const HEDGES = ["about", "around", "roughly", "approximately", "ca.", "circa", "~", "≈", "="];

  function number(answer) {
    let text = answer.trim();
    if (!text) throw "Any number will do, a rough one too: 2, 0.5 or 1/16.";
    if ([...text].length > 40) throw "That is long for a number. One like 2, 0.5 or 1/16 will do.";
    for (const hedge of HEDGES) {
      if (text.toLowerCase().startsWith(hedge)) text = text.slice(hedge.length).trimStart();
    }
    const word = text.search(/\p{Alphabetic}/u);
    if (word > 0 && text[word - 1] === " " && !/[0-9]/.test(text.slice(word))) {
      text = text.slice(0, word).trimEnd();
    }
    const slash = text.indexOf("/");
    const value = slash < 0 ? decimal(text) : quotient(decimal(text.slice(0, slash)), decimal(text.slice(slash + 1)));
    if (value < 0) throw "It is a count, so it cannot be below 0.";
    return Math.abs(value);
  }

  function quotient(above, below) {
    if (below === 0) throw "Nothing can be divided by 0. If you mean none at all, write 0.";
    const value = above / below;
    if (!Number.isFinite(value)) throw "That is larger than anything here.";
    return value;
  }

  function decimal(part) {
    const text = part.trim();
    const comma = text.indexOf(",");
    const whole = text.slice(0, comma), rest = text.slice(comma + 1);
    if (comma >= 0 && /^[0-9]{3}$/.test(rest) && /^[1-9][0-9]*$/.test(whole)) {
      throw `"${text}" can be read in two ways. Write ${whole}${rest} or ${whole}.${rest}, whichever you mean.`;
    }
    const dotted = comma < 0 ? text : `${whole}.${rest}`;
    if (!/^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?$/i.test(dotted)) {
      throw `"${text}" is not a number I can read. Write it like 2, 0.5 or 1/16.`;
    }
    const value = Number(dotted);
    if (!Number.isFinite(value)) throw "That is larger than anything here.";
    return value;
  }

  // Three significant digits, or all digits before the point.
  function short(value) {
    if (value === 0) return "0";
    const magnitude = Math.min(300, Math.max(-9, Math.floor(Math.log10(Math.abs(value)))));
    const text = fixed(value, Math.max(0, 2 - magnitude));
    return text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, "") : text;
  }

  // toFixed() without an exponent for what is large, and halves to the even digit, as the program has them.
  function fixed(value, decimals) {
    if (value >= 1e21) return BigInt(Math.round(value)).toString();
    const text = value.toFixed(decimals);
    const down = Number(text), step = 10 ** -decimals;
    const exact = value * 10 ** decimals;
    if (exact % 1 === 0.5 && Math.round(down / step) % 2 === 1) return (down - step).toFixed(decimals);
    return text;
  }

  function verdict(answer, measured, allowed) {
    let predicted;
    try {
      predicted = number(answer);
    } catch (says) {
      if (typeof says !== "string") throw says;
      return { read: false, says };
    }
    const lead = `You said ${short(predicted)}, the kernel says ${short(measured)}: `;
    const far = (word, more, less) => (less > 0 ? `${short(more / less)} times too ${word}.` : `too ${word}.`);
    if (Math.abs(predicted - measured) <= allowed) return { read: true, close: true, says: lead + "close." };
    const says = predicted > measured ? far("high", predicted, measured) : far("low", measured, predicted);
    return { read: true, close: false, says: lead + says };
  }

  // ---- Predictions. ----

  // The recorded run below a question opens when all questions above it are settled.
  function openAfter(section) {
    for (let next = section.nextElementSibling; next && next.tagName !== "H2"; next = next.nextElementSibling) {
      if (next.matches(".io-predict") && !next.classList.contains("io-settled")) return;
      if (next.matches(".io-after")) next.open = true;
    }
  }

  function predictions() {
    for (const section of document.querySelectorAll(".io-predict[data-measured]")) {
      const form = section.querySelector("form");
      const says = section.querySelector(".io-verdict");
      const reveal = section.querySelector(".io-reveal");
      const measured = Number(section.dataset.measured), allowed = Number(section.dataset.allowed);
      form.hidden = false;
      reveal.hidden = true;
      const settle = () => {
        section.classList.add("io-settled");
        reveal.hidden = false;
        reveal.open = true;
        openAfter(section);
      };
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        const found = verdict(form.querySelector("input").value, measured, allowed);
        says.textContent = found.says;
        says.dataset.close = String(found.read && found.close);
        if (found.read) settle();
      });
      form.querySelector(".io-pass").addEventListener("click", () => {
        says.textContent = `The kernel says ${short(measured)}.`;
        delete says.dataset.close;
        settle();
      });
    }
  }

  // ---- Recorded runs. ----

  const SVG = "http://www.w3.org/2000/svg";
  const CELL = 6, ROW = 14, BASELINE = 11;

  // The rows of a frame as the text elements that the still has, too.
  function draw(group, data, frame) {
    const rows = data.frames[frame].rows.map((index, y) => {
      const runs = data.rows[index];
      if (!runs.length) return null;
      const text = document.createElementNS(SVG, "text");
      text.setAttribute("y", y * ROW + BASELINE);
      for (const [column, style, says] of runs) {
        const span = document.createElementNS(SVG, "tspan");
        span.setAttribute("x", column * CELL);
        span.setAttribute("class", [...style].join(" "));
        span.textContent = says;
        text.append(span);
      }
      return text;
    });
    group.replaceChildren(...rows.filter(Boolean));
  }

  function element(tag, attributes, text) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text) made.textContent = text;
    return made;
  }

  const STEP_MS = 700;

  // A figure takes the keys once it is clicked or reached with Tab.
  const FOCUSED = { tabindex: 0, role: "group", "aria-label": "Recorded run: arrow keys walk through it" };

  function player(figure) {
    const data = JSON.parse(figure.querySelector(".io-frames").textContent);
    const group = figure.querySelector(".io-cells g");
    const last = data.frames.length - 1;
    const bar = element("div", { class: "io-player", role: "group", "aria-label": "Walk through the recorded run" });
    const play = element("button", { type: "button", class: "io-play" });
    const slider = element("input", { type: "range", min: 0, max: last, step: 1, "aria-label": "Instant of the run" });
    const clock = element("output", { class: "io-clock" });
    const calm = matchMedia("(prefers-reduced-motion: reduce)");
    const screen = figure.querySelector(".io-screen");
    for (const [name, value] of Object.entries(FOCUSED)) screen.setAttribute(name, value);
    slider.value = last;
    bar.append(play, slider, clock);
    screen.after(bar);

    const show = () => {
      const at = `${data.frames[slider.value].at} of ${data.frames[last].at}`;
      draw(group, data, slider.value);
      slider.setAttribute("aria-valuetext", at);
      clock.textContent = at;
    };

    let timer = 0;
    const named = (sign, name) => {
      play.textContent = sign;
      play.setAttribute("aria-label", name);
    };
    const stop = () => {
      clearTimeout(timer);
      timer = 0;
      calm.matches ? named("→", "Next instant") : named("▶", "Play");
    };
    const go = (to) => {
      slider.value = to;
      show();
    };
    const onward = () => {
      if (Number(slider.value) === last) return stop();
      go(Number(slider.value) + 1);
      timer = setTimeout(onward, STEP_MS);
    };
    const toggle = () => {
      if (timer) return stop();
      const from = Number(slider.value) === last ? 0 : Number(slider.value);
      // Who wants no motion goes on by one instant at a time.
      if (calm.matches) return go(Number(slider.value) === last ? 0 : from + 1);
      go(from);
      named("‖", "Stop");
      timer = setTimeout(onward, STEP_MS);
    };

    slider.addEventListener("input", () => (stop(), show()));
    play.addEventListener("click", toggle);
    // The page's own keys turn chapters; in a figure they walk through its run, or scroll what is said of it.
    figure.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
      if (event.key.startsWith("Arrow")) event.stopPropagation();
      const onScreen = event.target === screen;
      if (!onScreen && !bar.contains(event.target)) return;
      const steps = { ArrowRight: 1, ArrowLeft: -1, Home: -last, End: last };
      // Up and down scroll the page, but where the slider has the keys.
      if (!onScreen) Object.assign(steps, { ArrowUp: 1, ArrowDown: -1 });
      if (event.key === " " && event.target !== play) toggle();
      else if (event.key in steps) (stop(), go(Math.min(last, Math.max(0, Number(slider.value) + steps[event.key]))));
      else return;
      event.preventDefault();
    });
    document.addEventListener("visibilitychange", () => document.hidden && stop());
    calm.addEventListener("change", stop);
    stop();
    show();
  }

  // The page's own keys turn chapters: not while somebody types an answer.
  function quietInputs() {
    for (const input of document.querySelectorAll(".io-predict input")) {
      input.addEventListener("keydown", (event) => event.stopPropagation());
    }
  }

  predictions();
  quietInputs();
  for (const frames of document.querySelectorAll(".io-frames")) player(frames.closest("figure"));
  window.iolab = { verdict };
})();
