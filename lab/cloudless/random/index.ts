import { randomBytes, randomInt, randomUUID } from "node:crypto";

import { z } from "zod";

import { resourceKind, type ProviderPackage } from "../../cloud/kind";
import { wordLists } from "./words";

/* Real random values by the system's generator. Nothing of them is kept outside the engine's state. */

const keepers = z.record(z.string(), z.unknown()).optional();
const count = z.int().min(0).default(0);

const lowerCase = "abcdefghijklmnopqrstuvwxyz";
const upperCase = lowerCase.toUpperCase();
const digits = "0123456789";
/** The default of the real provider. */
const specials = "!@#$%&*()-_=+[]{}<>:?";

const stringInputs = z.strictObject({
    length: z.int().min(1),
    lower: z.boolean().default(true),
    upper: z.boolean().default(true),
    number: z.boolean().optional(),
    numeric: z.boolean().optional(),
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

/** A random text of given classes of characters, with at least so many of each. */
function randomText(given: z.output<typeof stringInputs>): string {
    const special = given.overrideSpecial ? given.overrideSpecial : specials;
    const classes: [boolean, number, string][] = [
        [given.lower, given.minLower, lowerCase],
        [given.upper, given.minUpper, upperCase],
        [given.numeric ?? given.number ?? true, given.minNumeric, digits],
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
    inputs: stringInputs,
    secretOutputs: ["result"],
    create: async (given) => ({ id: "none", outputs: { result: randomText(given) } }),
});

const string = resourceKind({
    type: "random:index/randomString:RandomString",
    inputs: stringInputs,
    create: async (given) => {
        const result = randomText(given);
        return { id: result, outputs: { result } };
    },
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

const bytes = resourceKind({
    type: "random:index/randomBytes:RandomBytes",
    inputs: z.strictObject({ length: z.int().min(1), keepers }),
    secretOutputs: ["base64", "hex"],
    create: async ({ length }) => {
        const value = randomBytes(length);
        return { id: "none", outputs: { base64: value.toString("base64"), hex: value.toString("hex") } };
    },
});

const integer = resourceKind({
    type: "random:index/randomInteger:RandomInteger",
    inputs: z.strictObject({ min: z.int(), max: z.int(), keepers }),
    create: async ({ min, max }) => {
        if (max < min) {
            throw new Error(
                "the minimum (min) value needs to be smaller than or equal to maximum (max) value",
            );
        }
        const result = randomInt(min, max + 1);
        return { id: String(result), outputs: { result } };
    },
});

const uuid = resourceKind({
    type: "random:index/randomUuid:RandomUuid",
    inputs: z.strictObject({ keepers }),
    create: async () => {
        const result = randomUUID();
        return { id: result, outputs: { result } };
    },
});

const pet = resourceKind({
    type: "random:index/randomPet:RandomPet",
    inputs: z.strictObject({
        length: z.int().min(1).default(2),
        prefix: z.string().optional(),
        separator: z.string().default("-"),
        keepers,
    }),
    create: async ({ length, prefix, separator }) => {
        const words = wordLists(length).map((list) => list[randomInt(list.length)] ?? "");
        return { id: [...(prefix ? [prefix] : []), ...words].join(separator), outputs: {} };
    },
});

export const random: ProviderPackage = {
    name: "random",
    kinds: [bytes, id, integer, password, pet, string, uuid],
};
