import type { Fingerprint } from "../../components/machine/fingerprint";
import { describeLockouts } from "../../components/machine/lockouts";
import { linkPasswordName } from "../../components/machine/secrets";
import { generationsAround } from "../../model/rotation";

/* Rotations that lock machines out while they are under way: a preview warns of them. */

/** The machines of a station in which link password and CA have this number: a Master, and a Relay that has no certificate. */
function machines(present: number, acceptPrevious = true): Fingerprint[] {
    const { accepted } = generationsAround(present, acceptPrevious);
    const fingerprint = (generations: Fingerprint["generations"]): Fingerprint => ({
        ...{ droplet: {}, waits: {}, packages: "", files: "", units: {} },
        generations,
    });
    const relay = { "relay.link": [present], "file.ca.pem": accepted };
    const master = {
        ...relay,
        ...Object.fromEntries(accepted.map((number) => [linkPasswordName(number), [number]])),
        "file.tls.pem": [present],
        "file.tls.key": [present],
        "source.main.studio": [1],
    };
    return [fingerprint(master), fingerprint(relay)];
}

/** What is said of both settings, which are changed in the same way. */
function told(previous: Fingerprint[], present: number, acceptPrevious = true): string[] {
    const generations = generationsAround(present, acceptPrevious);
    const lines = describeLockouts(previous, { linkPassword: generations, authority: generations });
    const [link, authority] = lines;
    expect(authority?.replace("rotation.authority", "rotation.linkPassword")).toBe(link);
    return lines;
}

describe("a rotation that locks nobody out says nothing", () => {
    it.each([
        ["none", 2, true, 2, true],
        ["raised by one", 1, true, 2, true],
        ["lowered by one", 2, true, 1, true],
        ["the previous one ended", 2, true, 2, false],
        ["the previous one accepted again", 2, false, 2, true],
        ["raised by one, with the previous one accepted again", 2, false, 3, true],
    ])("%s", (_what, before, acceptedBefore, after, accepted) => {
        expect(told(machines(before, acceptedBefore), after, accepted)).toEqual([]);
    });

    it("a new station", () => {
        expect(told([], 7)).toEqual([]);
    });
});

describe("a rotation that locks machines out is named, with numbers and remedy", () => {
    it.each([
        [
            ...(["raised by two", 1, true, 3, true] as const),
            "1 is in use, and machines that have been changed accept only 2, 3, 4",
            "change it by one at a time: to 2 first",
        ],
        [
            ...(["lowered by two", 3, true, 1, true] as const),
            "3 is in use, and machines that have been changed accept only 1, 2",
            "change it by one at a time: to 2 first",
        ],
        [
            ...(["raised while the previous one is refused", 1, true, 2, false] as const),
            "1 is in use, and machines that have been changed accept only 2, 3",
            "take back aerial:station.rotation.acceptPrevious: false first",
        ],
        [
            ...(["lowered to one that has ended", 2, false, 1, true] as const),
            "machines that have not been changed accept only 2, 3, and not 1",
            "use 3, the next one, instead",
        ],
    ])("%s", (_what, before, acceptedBefore, after, accepted, words, remedy) => {
        const lines = told(machines(before, acceptedBefore), after, accepted);
        expect(lines).toEqual([
            `aerial:station.rotation.linkPassword: ${words}. New links are refused until all machines have been changed; ${remedy}`,
            `aerial:station.rotation.authority: ${words}. New links are refused until all machines have been changed; ${remedy}`,
        ]);
    });

    it("one of the two alone", () => {
        const lines = describeLockouts(machines(1), {
            linkPassword: generationsAround(1, true),
            authority: generationsAround(3, true),
        });
        expect(lines).toEqual([expect.stringMatching(/^aerial:station\.rotation\.authority: 1 is in use/)]);
    });
});
