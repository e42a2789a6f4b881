import { describe, expect, test } from "vitest";

import { FakeShow, frame, TIMES } from "./frames.ts";

describe("time", () => {
  test("goes on frame by frame", () => {
    const show = new FakeShow();
    expect(show.seeks).toEqual([[1, 0, 0]]);
    show.come(0, 1, 2);
    expect(show.go(0)).toBe(0);
    expect(show.go(0.05)).toBe(null); // the same frame still
    expect(show.go(0.05)).toBe(1);
    expect(show.go(0.1)).toBe(2);
    expect(show.playback.showTime).toBeCloseTo(0.2, 12);
  });

  test("waits for a frame that is late, and goes on from there", () => {
    const show = new FakeShow();
    show.come(0);
    show.go(0);
    for (let i = 0; i < 5; i++) expect(show.go(0.1)).toBe(null);
    expect(show.playback.showTime).toBe(0);
    expect(show.playback.stalled).toBe(true);
    show.come(1);
    expect(show.go(0.1)).toBe(1);
    expect(show.playback.stalled).toBe(false);
    expect(show.playback.showTime).toBeCloseTo(0.1, 12);
  });

  test("skips frames where pictures are made too seldom", () => {
    const show = new FakeShow();
    show.come(0, 1, 2, 3);
    show.go(0);
    expect(show.go(0.25)).toBe(2);
    expect(show.queue.dropped).toBe(1);
    expect(show.taken).toEqual([0, 1, 2]);
  });

  test("goes as far as frames have come where even those are too few", () => {
    const show = new FakeShow();
    show.come(0, 1, 2);
    show.go(0);
    expect(show.go(0.9)).toBe(2);
    expect(show.playback.showTime).toBeCloseTo(0.2, 12);
    expect(show.playback.stalled).toBe(false);
  });

  test("stands still while it is paused", () => {
    const show = new FakeShow({ playing: false });
    show.come(0, 1);
    expect(show.go(0.5)).toBe(0);
    expect(show.go(0.5)).toBe(null);
    show.playback.play();
    expect(show.go(0.1)).toBe(1);
  });

  test("ends with the last frame, and begins again when it is played", () => {
    const show = new FakeShow({ first: 9 });
    show.come(9);
    expect(show.go(0)).toBe(9);
    expect(show.go(0.2)).toBe(null);
    expect([show.playback.playing, show.playback.showTime]).toEqual([false, 1]);
    show.playback.play();
    expect(show.seeks.at(-1)).toEqual([2, 0, 0]);
    show.come(0);
    expect(show.go(0.05)).toBe(0);
  });

  test("goes on into the next lap where looping is asked for at the end", () => {
    const show = new FakeShow({ first: 9 });
    show.come(9);
    show.go(0);
    show.go(0.2);
    show.playback.setLoop(true);
    expect(show.playback.showTime).toBeCloseTo(0.9, 12);
  });

  test("counts on from lap to lap", () => {
    const show = new FakeShow({ first: 8, loop: true });
    show.come(8, 9, 10, 11);
    expect([0, 0.1, 0.1, 0.1].map((seconds) => show.go(seconds))).toEqual([8, 9, 10, 11]);
    expect(show.playback.showTime).toBeCloseTo(0.1, 12);
    expect(show.playback.frame?.index).toBe(1);
    expect(show.seeks.length).toBe(1);
  });
});

describe("seeking", () => {
  test("drops what was on the way", () => {
    const show = new FakeShow();
    show.come(0, 1, 2);
    show.go(0);
    show.playback.seek(0.72);
    expect(show.seeks.at(-1)).toEqual([2, 7, 7]);
    expect(show.taken).toEqual([0, 1, 2]);
    show.queue.add(frame(1, 3)); // was under way already
    show.come(7);
    expect(show.go(0.01)).toBe(7);
    expect(show.taken).toEqual([0, 1, 2, 3, 7]);
  });

  test("stays in the show", () => {
    const show = new FakeShow();
    show.playback.seek(-3);
    expect(show.playback.showTime).toBe(0);
    show.playback.seek(30);
    expect([show.playback.showTime, show.seeks.at(-1)![1]]).toEqual([1, 9]);
  });

  test("to the end of a looping show gives its last frame, not the next lap's first", () => {
    const show = new FakeShow({ loop: true });
    show.playback.seek(1);
    expect([show.playback.showTime, show.seeks.at(-1)![1]]).toEqual([0.9, 9]);
  });

  test("to a frame's own time gives that frame, however it was rounded", () => {
    const times = { starts: [0], firstFrames: [0], duration: 10, frameCount: 300 };
    const show = new FakeShow({}, times);
    for (let frame = 0; frame < 300; frame++) {
      show.playback.seek(frame / 30);
      expect(show.seeks.at(-1)![1]).toBe(frame);
    }
  });

  test("shows the frame while it is paused", () => {
    const show = new FakeShow({ playing: false });
    show.playback.seek(0.5);
    show.come(5);
    expect(show.go(0.01)).toBe(5);
    expect(show.playback.showTime).toBe(0.5);
  });
});

describe("sound", () => {
  test("begins with the first frame that is in time, and is the clock then", () => {
    const show = new FakeShow();
    show.sound.here = true;
    show.come(0, 1, 2);
    show.go(0.05);
    expect(show.sound.calls.at(-1)).toBe("start 0.05");
    show.sound.time = 0.21; // the display says 0.01 s have passed, what is heard says otherwise
    expect(show.go(0.01)).toBe(2);
    expect(show.playback.showTime).toBe(0.21);
  });

  test("goes on while the picture lags a little, and waits where it lags much", () => {
    const show = new FakeShow();
    show.sound.here = true;
    show.come(0);
    show.go(0);
    show.sound.time = 0.25;
    show.go(0.25);
    expect([show.sound.running, show.playback.showTime]).toEqual([true, 0.25]);
    show.sound.time = 0.35;
    show.go(0.1);
    expect([show.sound.running, show.playback.showTime]).toEqual([false, 0]);
    show.come(1);
    show.go(0.1);
    expect(show.sound.calls.at(-1)).toBe("start 0.1");
  });

  test("stops with a pause and is forgotten by a seek", () => {
    const show = new FakeShow();
    show.playback.pause();
    expect(show.sound.calls.at(-1)).toBe("stop");
    show.playback.seek(0.5);
    expect(show.sound.calls.at(-1)).toBe("clear");
  });
});

describe("a live show", () => {
  const times = { starts: [0, 0.5], firstFrames: [0, 5], duration: 1, frameCount: 10 };

  test("begins with the newest chunk and holds a distance", () => {
    const show = new FakeShow({ first: 5, live: true }, times);
    show.come(5, 6);
    show.go(0, 1.15);
    expect(show.playback.following).toBe(true);
    // It should be 0.5 s of chunk and 0.15 s behind the edge, at 0.6 s, and was 0.1 s behind that: 5 % faster.
    expect(show.go(0.1, 1.25)).toBe(6);
    expect(show.playback.showTime).toBeCloseTo(0.605, 12);
  });

  test("jumps where it is far behind", () => {
    const show = new FakeShow({ first: 5, live: true }, times);
    show.playback.grow({ starts: [0, 0.5, 8], firstFrames: [0, 5, 80], duration: 9, frameCount: 90 });
    show.go(0.1, 9);
    expect(show.seeks.length).toBe(2);
    expect(show.playback.showTime).toBeCloseTo(9 - 0.65, 1);
  });

  test("stalls at the end of what there is, although its last frame is here", () => {
    const show = new FakeShow({ first: 5, live: true }, times);
    show.come(5, 6, 7, 8, 9);
    show.go(0, 1.15);
    for (let i = 0; i < 20; i++) show.go(0.1, 2);
    expect([show.playback.frame?.position, show.playback.stalled]).toEqual([9, true]);
    show.playback.grow({ starts: [0, 0.5, 1], firstFrames: [0, 5, 10], duration: 1.5, frameCount: 15 });
    show.come(10);
    show.go(0.1, 2);
    expect(show.playback.stalled).toBe(false);
  });

  test("is not followed any more after a seek or a pause, until it is asked for", () => {
    const show = new FakeShow({ first: 5, live: true }, times);
    show.playback.seek(0.2);
    expect(show.playback.following).toBe(false);
    show.playback.follow();
    expect(show.playback.following).toBe(true);
  });

  test("plays to its end once it is finished", () => {
    const show = new FakeShow({ first: 5, live: true }, TIMES);
    show.come(5, 6, 7, 8, 9);
    show.go(0, 1.15);
    for (let i = 0; i < 8; i++) show.go(0.1, null);
    expect([show.playback.playing, show.playback.frame?.position]).toEqual([false, 9]);
  });
});
