/**
 * What a listener may notice, in milliseconds unless named otherwise: DESIGN's promises, and what a machine with two
 * busy cores may add.
 *
 * `busy` is the addition to every time. The tone detector places a switch to ±250 ms; audio moves in blocks of
 * 1,400 bytes, through three Icecasts (58 ms each at 192 kbit/s); and with ten systemds, six Icecasts, four Liquidsoaps
 * and the listeners on two cores, a process may wait some hundred milliseconds for its turn.
 */
const busy = 1000;

export const limits = {
    /** From a source's end, by a closed connection or a dead line, to the first audio of the next one. */
    nextSource: 2000 + busy,
    /** The same where silence has to be recognised first; the configured time is added. */
    afterSilence: 2000 + busy,
    /**
     * From a connected source to its first audio: the Masters look for a source every second, need 1 s to know its
     * format, and hold 0.8 s of it and 0.5 s of their output.
     */
    sourceHeard: 4000 + busy,
    /** The same for a source on the other Master. */
    sourceHeardAcross: 6000 + busy,
    /**
     * From the moment both Masters are gone, without a word, to the Relay's standby audio: Icecast leaves a source that
     * stands still after 3 to 4 s, first the preferred one, and the other at the same time.
     */
    standby: 5000 + busy,
    /** From the Masters' power to the studio's audio: boot, the encoder's new connection, the Relay's 5 s interval. */
    mastersBack: 60_000,
    /** Until every Relay plays from the preferred Master again, from the moment its fault is over. */
    backOnPreferred: 60_000,
    /**
     * A hole in the audio itself. At a joint in mid-frame a decoder may mute the torn frame and the one that needs it:
     * less than two frames, of 26 ms (MP3) or 23 ms (AAC).
     */
    silence: 50,
    /**
     * Audio taken out of a buffer of 8 s at the worst moment, in seconds: 5 are promised. A block of AAC at 64 kbit/s
     * lasts 0.2 s, and the level is taken where one is just missing.
     */
    bufferUsedSeconds: 5.4,
    /** What a new listener's buffer holds, of the Relay's burst of 8 s, in seconds. */
    fullBufferSeconds: 7.3,
    /**
     * From a machine's end to its absence from DNS. Within the 2 s: up to an interval until the first failed check
     * is over, and the second for which the lab's server collects changes.
     */
    outOfDns: (check: { intervalSeconds: number; downAfter: number }): number =>
        (check.intervalSeconds * check.downAfter + 2) * 1000 + busy,
    /** From a machine's power, or the end of its fault, to its place in DNS. */
    backInDns: 60_000,
    /**
     * From Master a's end to the studio by b: the encoder finds out within 8 s, the name has moved by then, b needs its
     * time for a new source.
     */
    encoderMoves: 25_000,
    /**
     * From audio that stands still to a Relay's absence from DNS: Icecast keeps a dead source for 4 s, counts every
     * 5 s, growth is judged over 6 s, and then DNS checks.
     */
    stillOut: 30_000,
    /** From the last listener there is room for to absence from DNS: Icecast counts every 5 s. */
    fullOut: 15_000,
    /** From the power cut of a machine that pushes a source to the next: at the latest when Icecast gives it up. */
    sourceDies: 5000 + busy,
    /** From a show's arrival in the library to its place in the bucket. */
    showKept: 60_000,
    /** From a library that gets its first show to that on the air: the playout looks every 3 s, and connects. */
    libraryHeard: 25_000,
    /** From the loss of Airtime's machine and disk to all shows and the database on a new one. */
    restored: 900_000,
    /** From nothing to a certificate on all machines. */
    certificate: 60_000,
    /** From a canary that is gone to another one that serves: boot, packages, proof that audio advances, the balancer. */
    canaryServes: 90_000,
    /** From the alarm for too much load to an instance more that serves. */
    groupGrows: 90_000,
    /** From a healthy instance to its first listener: the balancer's next look, and the luck of who comes. */
    newInstanceUsed: 20_000,
    /** From the last listener but a few to one instance less, without those that drain. */
    groupShrinks: 90_000,
    /** An `up` whose canary does not get well in its time, or does. */
    canaryJudged: 150_000,
    /** From the droplets' end to listeners that play on from Amazon: a player's buffer is empty first. */
    toAmazon: 30_000,
    /** Until the last of 3,000 plays again: 4 s are the aim, and listeners and servers share two cores here. */
    herd: 30_000,
};
