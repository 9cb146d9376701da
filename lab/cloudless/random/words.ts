/* Words of pet names. Few: a lab is small. */
const animals = [
    "badger",
    "crane",
    "dolphin",
    "finch",
    "heron",
    "lynx",
    "marten",
    "otter",
    "raven",
    "stork",
    "wren",
];
const adjectives = [
    "bold",
    "brisk",
    "calm",
    "clear",
    "fond",
    "keen",
    "lively",
    "loud",
    "proud",
    "steady",
    "warm",
];
const adverbs = [
    "barely",
    "firmly",
    "gladly",
    "highly",
    "mostly",
    "partly",
    "simply",
    "truly",
    "vastly",
    "widely",
];

/** The lists that the words of a name come from: adverbs, an adjective, and an animal at the end. */
export function wordLists(length: number): (readonly string[])[] {
    const before = Array.from({ length: Math.max(0, length - 2) }, () => adverbs);
    return length === 1 ? [animals] : [...before, adjectives, animals];
}
