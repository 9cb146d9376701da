/** Chance that is the same again with the same seed and name, whatever others draw meanwhile. */
export class Chance {
    private state: number;

    constructor(seed: number, name: string) {
        this.state = [...name].reduce(
            (hash, letter) => Math.imul(hash ^ letter.charCodeAt(0), 0x01000193),
            seed | 0,
        );
    }

    /** At least 0, less than 1: mulberry32. */
    next(): number {
        this.state = (this.state + 0x6d2b79f5) | 0;
        let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
        mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
        return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    }

    between(low: number, high: number): number {
        return low + (high - low) * this.next();
    }

    /** One of these, each as likely as its weight. @throws when there is none. */
    pick<T>(choices: readonly T[], weightOf: (choice: T) => number = () => 1): T {
        let rest = this.next() * choices.reduce((total, choice) => total + weightOf(choice), 0);
        for (const choice of choices) {
            rest -= weightOf(choice);
            if (rest < 0) {
                return choice;
            }
        }
        throw new Error("there is nothing to pick from");
    }
}
