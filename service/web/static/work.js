// What is kinder with JavaScript; every page works without it.
"use strict";

// Long work: fetch the page again and show how far it is, until it has ended.
const PAUSE_MS = 1500;

async function lookAgain(part) {
  const answer = await fetch(part.dataset.again, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) {
    window.location.assign(answer.url);
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector(".progress-of-work");
  if (!fresh || !fresh.dataset.again) {
    window.location.reload();
    return;
  }
  part.replaceWith(fresh);
  wait(fresh);
}

function wait(part) {
  window.setTimeout(() => lookAgain(part).catch(() => wait(part)), PAUSE_MS);
}

document.querySelectorAll(".progress-of-work[data-again]:not([data-again=''])").forEach(wait);

// A file may be dropped on its field.
document.querySelectorAll(".drop-place").forEach((place) => {
  const input = place.querySelector("input[type=file]");
  const over = (is) => (event) => {
    event.preventDefault();
    place.classList.toggle("is-over", is);
  };
  place.addEventListener("dragover", over(true));
  place.addEventListener("dragleave", over(false));
  place.addEventListener("drop", (event) => {
    over(false)(event);
    if (event.dataTransfer.files.length) {
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    }
  });
});

// One box ticks all the others of its table.
document.querySelectorAll("input[data-ticks]").forEach((all) => {
  all.addEventListener("change", () => {
    document.querySelectorAll(`input[name="${all.dataset.ticks}"]`).forEach((each) => {
      each.checked = all.checked;
    });
  });
});

// What is wrong with a form is read first.
document.getElementById("what-is-wrong")?.focus();
