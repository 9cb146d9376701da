/** About ten minutes at the announcer's 140 words a minute, a little less with its pauses. */
const words = 1150;

const vocabulary = (
    "amber anchor apple arrow autumn balance barrel basket beacon bishop blanket border bottle branch bridge bucket " +
    "butter cabin candle canvas carpet castle cattle chapel cherry circle copper corner cotton cradle current dancer " +
    "desert dinner doctor dragon eagle engine evening feather fiddle finger forest fountain garden giant glacier " +
    "granite hammer harbour helmet hollow honey hunter island ivory jacket journey jungle kettle kitchen ladder lantern " +
    "leather lemon library lizard magnet marble meadow mirror monday mountain needle northern ocean orange orchard " +
    "oyster paper parrot pepper picture pilot planet pocket potato puzzle quarter rabbit railway ribbon river rocket " +
    "saddle salmon sailor season shadow silver singer spider station summer table temple thunder ticket timber tunnel " +
    "turtle valley velvet village violin wagon walnut water weather window winter wizard yellow"
).split(" ");

/**
 * Text for about ten minutes of speech that nowhere repeats a sentence, always the same for the same seed. A place in its
 * sound is found again by a few seconds of it, so that lost and repeated programme can be measured.
 */
export function speechText(seed: string): string {
    let state = [...seed].reduce((hash, letter) => (hash * 31 + (letter.codePointAt(0) ?? 0)) >>> 0, 7);
    const next = (limit: number): number => {
        // The generator of Numerical Recipes; its high bits are random enough to choose words.
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return Math.floor((state / 2 ** 32) * limit);
    };
    const chosen = Array.from({ length: words }, () => vocabulary[next(vocabulary.length)] ?? "");
    return chosen.map((word, index) => `${word}${index % 12 === 11 ? ",\n" : " "}`).join("");
}
