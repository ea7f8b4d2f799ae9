/* The questions beside the image: which is active, which are answered, and drafts. */
"use strict";

export class Answers {
  /* onChange is called with whether every question is answered. */
  constructor(form, onChange) {
    this.questions = [...form.querySelectorAll("fieldset")];
    this.onChange = onChange;
    this.active = 0;
    form.addEventListener("change", (event) => {
      const question = event.target.closest("fieldset");
      if (question) this.changed(this.questions.indexOf(question));
    });
  }

  get isChoice() {
    return this.questions[0].dataset.name === "choice";
  }

  /* By the question's name the score, of those that are answered. */
  get given() {
    const scores = {};
    for (const question of this.questions) {
      const chosen = question.querySelector(":checked");
      if (chosen) scores[question.dataset.name] = Number(chosen.value);
    }
    return scores;
  }

  get isComplete() {
    return Object.keys(this.given).length === this.questions.length;
  }

  /* Begin with a new image: with nothing, with the draft of another day, or with what was undone. */
  begin(id, undone) {
    this.key = `mcnet ${id}`;
    if (undone) localStorage.setItem(this.key, JSON.stringify(undone));
    const scores = JSON.parse(localStorage.getItem(this.key) ?? "{}");
    for (const question of this.questions) {
      for (const input of question.querySelectorAll("input")) {
        input.checked = Number(input.value) === scores[question.dataset.name];
      }
    }
    this.activate(0);
    this.onChange(this.isComplete);
  }

  /* The draft goes once the answer is saved. */
  end() {
    localStorage.removeItem(this.key);
  }

  activate(index) {
    this.active = Math.min(this.questions.length - 1, Math.max(0, index));
    this.questions.forEach((question, k) => question.classList.toggle("active", k === this.active));
    this.questions[this.active].scrollIntoView({ block: "nearest" });
  }

  score(value) {
    const input = this.questions[this.active].querySelector(`input[value="${value}"]`);
    if (!input) return;
    input.checked = true;
    this.changed(this.active);
  }

  scoreBy(step) {
    const inputs = [...this.questions[this.active].querySelectorAll("input")];
    const at = inputs.findIndex((input) => input.checked);
    const middle = Math.floor(inputs.length / 2);
    const next = at < 0 ? middle : Math.min(inputs.length - 1, Math.max(0, at + step));
    inputs[next].checked = true;
    this.changed(this.active, false);
  }

  changed(index, goesOn = true) {
    this.activate(goesOn ? index + 1 : index);
    localStorage.setItem(this.key, JSON.stringify(this.given));
    this.onChange(this.isComplete);
  }
}
