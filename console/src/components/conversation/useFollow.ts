/** Keeps the end of a scrolled region in view, until the reader moves up. */

import { type RefObject, useCallback, useEffect, useRef, useState } from "react";

const NEAR_END = 40;
/** Milliseconds in which a key, a wheel or a touch moves the page. */
const INPUT_MS = 400;
const INPUTS = ["wheel", "touchmove", "pointerdown", "pointerup", "keydown"];

/** Follow the end of `scroller`, whose height is that of `content`. */
export function useFollow(scroller: RefObject<HTMLElement | null>, content: RefObject<HTMLElement | null>) {
  const [isFollowing, setFollowing] = useState(true);
  const follows = useRef(true);
  const set = useCallback((follow: boolean) => {
    follows.current = follow;
    setFollowing(follow);
  }, []);
  const toEnd = useCallback(() => {
    set(true);
    if (scroller.current) scroller.current.scrollTop = scroller.current.scrollHeight;
  }, [scroller, set]);
  const release = useCallback(() => set(false), [set]);

  useEffect(() => {
    const element = scroller.current;
    const inner = content.current;
    if (!element || !inner) return;
    let top = element.scrollTop;
    let movedAt = Number.NEGATIVE_INFINITY;
    let isHeld = false;
    // Content that shrinks moves the position up as well: only what follows the reader's hand counts.
    const onInput = (event: Event) => {
      movedAt = event.timeStamp;
      isHeld = event.type === "pointerdown" || (isHeld && event.type !== "pointerup");
    };
    const onScroll = (event: Event) => {
      const isReader = isHeld || event.timeStamp - movedAt < INPUT_MS;
      const isAtEnd = element.scrollHeight - element.scrollTop - element.clientHeight <= NEAR_END;
      if (element.scrollTop < top - 1 && isReader) set(false);
      else if (isAtEnd && element.scrollTop > top) set(true);
      top = element.scrollTop;
    };
    const observer = new ResizeObserver(() => {
      if (follows.current) element.scrollTop = element.scrollHeight;
    });
    observer.observe(inner);
    observer.observe(element);
    element.addEventListener("scroll", onScroll, { passive: true });
    for (const type of INPUTS) window.addEventListener(type, onInput, { passive: true, capture: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", onScroll);
      for (const type of INPUTS) window.removeEventListener(type, onInput, { capture: true });
    };
  }, [scroller, content, set]);

  return { isFollowing, toEnd, release };
}
