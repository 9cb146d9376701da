import { withoutLateEnds } from "../../lab/engine/operate";

/** As the engine writes it, with what the provider wrote. */
const premature = (written: string): string =>
    [
        "Detected that /lab/bin/pulumi-resource-aws exited prematurely. ",
        "       This is *always* a bug in the provider. Please report the issue to the provider author as appropriate.",
        `       To assist with debugging we have dumped the STDOUT and STDERR streams of the plugin:${written}`,
    ].join("\n");

it("takes a provider that ended late for none that crashed", () => {
    expect(withoutLateEnds([premature(""), premature("\n")])).toEqual([]);
});

it.each([premature("\nTypeError: x is not a function"), "relay-ams3-1: the machine is not on air"])(
    "keeps what is an error: %s",
    (error) => {
        expect(withoutLateEnds([error])).toEqual([error]);
    },
);
