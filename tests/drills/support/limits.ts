/**
 * What a listener may notice, in milliseconds unless named otherwise: DESIGN's promises, and what a machine with two
 * busy cores may add.
 *
 * `busy` is the addition to every time. The tone detector places a switch to ±250 ms; audio moves in blocks of
 * 1,400 bytes, through three Icecasts (58 ms each at 192 kbit/s); and with ten systemds, six Icecasts, four Liquidsoaps
 * and the listeners on two cores, a process may wait some hundred milliseconds for its turn.
 */
const busy = 1000;

/** What a Master holds of each source, in milliseconds: `ingest.bufferSeconds` of the drills' stations. */
const held = 3500;

/** What Relays have in hand, in milliseconds: 5 s in each of two tiers, and what one Master is behind the other. */
const fed = 12_000;

export const limits = {
    /** From what a Master plays now to the moment in which every listener hears it. */
    onTheWay: fed,
    /**
     * From a Master's return until Relays know where it is: the encoder is back after up to 15 s and heard 6 s later, and
     * 13 s of that are compared, perhaps twice; many times as long where a busy machine makes Masters leave something out.
     */
    linedUp: 240_000,
    /** From the end of a Master's fault to the encoder's connection: a host that takes nothing is found out within 8 s. */
    encoderBack: 15_000,
    /**
     * From a source's end, by a closed connection or a dead line, to the first audio of the next one: listeners hear what
     * is held of it to the end, here and by way of the other Master, and then the next one.
     */
    nextSource: 2 * held + fed + 2000 + busy,
    /** The same where silence has to be recognised first; the configured time is added. */
    afterSilence: held + fed + 2000 + busy,
    /**
     * From a connected source to its first audio: the Masters look for a source every second, need up to 1 s to know its
     * format, fill what they hold, and hold 0.5 s of their output.
     */
    sourceHeard: held + fed + 3200 + busy,
    /** The same for a source on the other Master. */
    sourceHeardAcross: held + fed + 5200 + busy,
    /**
     * From the moment both Masters are gone, without a word, to the standby audio: a Relay plays what it has in hand, 5 s
     * and what the Master it hears is ahead of the other, up to 2 s; a Relay of the second tier as much again.
     */
    standby: 15_000 + busy,
    /** From the Masters' power to the studio's audio: boot, the encoder's new connection, what Masters and Relays hold. */
    mastersBack: 60_000,
    /** Until every Relay plays from the preferred Master again, from the moment its fault is over. */
    backOnPreferred: 90_000,
    /**
     * From a Master's fault to listeners on the other one: without acknowledgements it goes on sending for a second or two,
     * and a stall counts after one more. What is in hand would last longer.
     */
    masterLeft: 3000 + busy,
    /** Until a source that is on is heard, where nothing depends on how fast: before a drill begins. */
    atLast: 60_000,
    /**
     * A hole in the audio itself. At a joint a decoder may mute the frame that needs the bit reservoir of the one before:
     * 26 ms (MP3). A joint of two AAC streams costs less than two frames, of 23 ms.
     */
    silence: 50,
    /**
     * Audio taken out of a buffer of 8 s at the worst moment, in seconds: none but what is missing between two lumps, which
     * is up to 0.5 s, and more on a busy machine.
     */
    bufferUsedSeconds: 2,
    /** The same while the programme is digital silence, of which AAC is 0.6 kB a second: Icecast passes on 1.4 kB at once. */
    bufferUsedInSilenceSeconds: 3.5,
    /**
     * What a buffer may hold less, or more, than before a fault, from 3 s after it on, in seconds. 0.5 are promised, and
     * kept at rest; on two cores that two labs share, lumps come late.
     */
    bufferMissingSeconds: 1,
    /**
     * Programme that a fault of a Master may take from a listener, or repeat, at a place, in seconds. 0.1 are promised, and
     * kept at rest; on two cores that two labs share, a Master itself may leave out some frames.
     */
    lostSeconds: 0.25,
    /** The same when the feed of the listener's own Relay ends, in seconds. */
    lostWithFeedSeconds: 2,
    /** How far from its place in the audio a title may be, in seconds. */
    titleMisplacedSeconds: 0.5,
    /** How far the tone detector may place a switch from where it is, in seconds. */
    toneMisplacedSeconds: 0.25,
    /** From a title that a source sends to every listener's player: the way of the audio, and its players' buffers. */
    titleArrives: 20_000,
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
    encoderMoves: 25_000 + fed,
    /**
     * From audio that stands still to a Relay's absence from DNS: Icecast counts every 5 s, growth is judged over 6 s,
     * and then DNS checks.
     */
    stillOut: 30_000,
    /** From the last listener there is room for to absence from DNS: Icecast counts every 5 s. */
    fullOut: 15_000,
    /** From the power cut of a machine that pushes a source to the next: when what is held is played. */
    sourceDies: held + fed + 2000 + busy,
    /** From a show's arrival in the library to its place in the bucket. */
    showKept: 60_000,
    /** From a library that gets its first show to that on the air: the playout looks every 3 s, and connects. */
    libraryHeard: 25_000 + fed,
    /** From the loss of Airtime's machine and disk to all shows and the database on a new one. */
    restored: 900_000,
    /** From an `up` that replaces Airtime to what is heard without it: all that goes before it in the `up`, and its shutdown. */
    airtimeGoes: 400_000,
    /** An `up` that changes four Relays and two Masters in place. */
    changed: 60_000 + 30 * busy,
    /**
     * An `up` that replaces them all: two Masters, then a Relay, then the others of both regions at once, each with a boot
     * and its packages; then 40 s for listeners, and some to close them.
     */
    replaced: 600_000,
    /** From an `up` that leaves a Relay behind to the Relay's own end: 40 s, and what it takes to close and to shut down. */
    leftBehindEnds: 120_000,
    /**
     * What is lost of a machine's log before its power cut. 5 s are promised; of listeners' machines, the sender has the
     * smallest share of a busy processor.
     */
    logged: 5000 + 5 * busy,
    /** How far listener figures may differ from the listeners there were, as a share. */
    figures: 0.01,
    /**
     * From a fault to the message, where it is told after so many seconds: it is read every 15 s or not answered for 10,
     * judged every 15 s, and held for 5 and then 10 so that what belongs together is one message; the rest is for a busy
     * machine.
     */
    told: (afterSeconds: number): number => (afterSeconds + 55 + 30) * 1000,
    /** From a fault's end to the message of it: a machine boots, is well for a minute, and is told of as above. */
    toldOver: 240_000,
    /** Between two heartbeats: they go out once a minute. */
    heartbeat: 90_000,
    /** How much shorter or longer than 30 s a message's clip may be, in seconds. */
    clip: 1,
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
    /** Until the last of a herd plays again: 4 s are the aim; here listeners, servers and other tests share two cores. */
    herd: 90_000,
};
