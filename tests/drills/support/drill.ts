import { Audience, type Expectation } from "./audience";
import type { World } from "./world";

/**
 * One drill: the sources that are on, an audience that hears one of them, something that happens, and the judgement of
 * everybody who listened.
 */
export async function drill(
    world: World,
    name: string,
    plan: {
        sources: Parameters<World["arrange"]>[0];
        /** What is heard before anything happens. */
        hearing: string;
        happens: (audience: Audience) => Promise<void>;
        expect?: Expectation;
    },
): Promise<void> {
    await world.mend();
    await world.arrange(plan.sources);
    await world.ready(Object.keys(plan.sources));
    const audience = await Audience.gather(world);
    try {
        await world.presentHeard();
        await audience.hearsNow(plan.hearing);
        await plan.happens(audience);
    } catch (error) {
        process.stdout.write(`\n${name}:\n${audience.describe()}\n`);
        await audience.abandon();
        throw error;
    }
    await audience.leaves(name, plan.expect);
}
