import { readFileSync } from "node:fs";
import { join } from "node:path";

import { checkout } from "../../lab/paths";
import { planStorage } from "../../model/plan/storage";
import { gibOf, hoursPerMonth } from "../../model/plan/transfer";
import { whole } from "../../model/plan/words";
import { planOfExample, planRows } from "../support/planFigures";
import { defaultRetention } from "../support/retention";

/* docs/plan.md has figures in its tables and sentences: they are the planner's, at the present prices. */

const text = readFileSync(join(checkout, "docs/plan.md"), "utf8");
const rows = text
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) =>
        line
            .slice(1, -1)
            .split("|")
            .map((cell) => cell.trim()),
    );

it.each(planRows())("docs/plan.md has the present figures of %s", (...row) => {
    expect(rows).toContainEqual(row);
});

it("docs/plan.md names every item of a bill", () => {
    const named = rows.flatMap(([cell = ""]) => cell.split(", "));
    for (const { name } of planOfExample("medium").items) {
        expect(named).toContain(name.replace(/^Relays .*/, "Relays"));
    }
});

it("docs/plan.md has the present figures in its sentences", () => {
    expect(gibOf(128, 1000)).toBeCloseTo(56.5, 1);
    // One more mount, for a Relay and two Masters.
    expect(gibOf(2 * 96, hoursPerMonth)).toBeCloseTo(62, 0);
    // 2,200 listeners use up the transfer of a droplet within eight hours.
    expect(Math.round(gibOf(128, 2200 * 8) / 100)).toBe(10);
    const { readUsd, sentGb } = planStorage({
        region: "eu-central-1",
        showsGiB: 100,
        ...defaultRetention,
    });
    expect(Math.abs(readUsd + (sentGb - 100) * 0.09 - 50)).toBeLessThan(5);
});

it("the README has the present cost of the three example stations", () => {
    const readme = readFileSync(join(checkout, "README.md"), "utf8");
    for (const name of ["small", "medium", "large"]) {
        const { monthlyUsd, listeners } = planOfExample(name);
        expect(readme).toContain(whole(monthlyUsd));
        expect(readme).toContain(whole(listeners?.peak ?? NaN));
    }
});
