import { randomBytes, randomInt } from "node:crypto";

import { z } from "zod";

import { resourceKind, type ProviderPackage } from "../../cloud/kind";

/* Real random values by the system's generator. Nothing of them is kept outside the engine's state. */

const keepers = z.record(z.string(), z.string()).optional();
const count = z.int().min(0).default(0);

const lowerCase = "abcdefghijklmnopqrstuvwxyz";
const upperCase = lowerCase.toUpperCase();
const digits = "0123456789";
/** The default of the real provider. */
const specials = "!@#$%&*()-_=+[]{}<>:?";

const passwordInputs = z.strictObject({
    length: z.int().min(1),
    lower: z.boolean().default(true),
    upper: z.boolean().default(true),
    numeric: z.boolean().default(true),
    special: z.boolean().default(true),
    overrideSpecial: z.string().optional(),
    minLower: count,
    minUpper: count,
    minNumeric: count,
    minSpecial: count,
    keepers,
});

function pick(alphabet: string, length: number): string[] {
    return Array.from({ length }, () => alphabet.charAt(randomInt(alphabet.length)));
}

function shuffle(items: string[]): string[] {
    for (let last = items.length - 1; last > 0; last--) {
        const other = randomInt(last + 1);
        [items[last], items[other]] = [items[other] ?? "", items[last] ?? ""];
    }
    return items;
}

/** A random text of the wanted classes of characters, with at least the wanted number of each. */
function randomText(given: z.output<typeof passwordInputs>): string {
    const special = given.overrideSpecial ? given.overrideSpecial : specials;
    const classes: [boolean, number, string][] = [
        [given.lower, given.minLower, lowerCase],
        [given.upper, given.minUpper, upperCase],
        [given.numeric, given.minNumeric, digits],
        [given.special, given.minSpecial, special],
    ];
    const alphabet = classes.map(([wanted, , characters]) => (wanted ? characters : "")).join("");
    const demanded = classes.flatMap(([, least, characters]) => pick(characters, least));
    if (alphabet === "" || demanded.length > given.length) {
        throw new Error(
            alphabet === ""
                ? "the character set for the random string is empty"
                : `length (${given.length}) must be at least the sum of the minima (${demanded.length})`,
        );
    }
    return shuffle([...demanded, ...pick(alphabet, given.length - demanded.length)]).join("");
}

const password = resourceKind({
    type: "random:index/randomPassword:RandomPassword",
    inputs: passwordInputs,
    secretOutputs: ["result"],
    create: async (given) => ({ id: "none", outputs: { result: randomText(given) } }),
});

const id = resourceKind({
    type: "random:index/randomId:RandomId",
    inputs: z.strictObject({ byteLength: z.int().min(1), prefix: z.string().default(""), keepers }),
    create: async ({ byteLength, prefix }) => {
        const bytes = randomBytes(byteLength);
        const url = bytes.toString("base64url");
        return {
            id: url,
            outputs: {
                b64Std: prefix + bytes.toString("base64"),
                b64Url: prefix + url,
                dec: prefix + BigInt(`0x${bytes.toString("hex")}`).toString(),
                hex: prefix + bytes.toString("hex"),
            },
        };
    },
});

export const random: ProviderPackage = { name: "random", kinds: [id, password] };
