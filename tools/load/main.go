// Command load plays streams as many listeners do, and tells what they waited for. `make bench` runs it: one process
// holds thousands of listeners, and says how much of the processor it took for itself.
//
//	load first -url URL -tries N      one listener after the other: first byte of the answer, first byte of audio
//	load hold  -url URL -count N      N listeners who stay for -seconds, after all of them play
//	load herd  -url URL -count N      N listeners who play, then all connect anew in the same moment
//
// Results are lines of JSON on standard output.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"syscall"
	"time"
)

// plan is what the command line asks for.
type plan struct {
	target  target
	count   int
	rate    int
	tries   int
	pause   time.Duration
	stay    time.Duration
	playing int
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	modes := map[string]func(plan) error{"first": first, "hold": hold, "herd": herd}
	if len(arguments) == 0 || modes[arguments[0]] == nil {
		return fmt.Errorf("say first, hold or herd, then -help")
	}
	var p plan
	var seconds, pauseMs, limit int
	var url, address, roots, from string
	flags := flag.NewFlagSet("load "+arguments[0], flag.ExitOnError)
	flags.StringVar(&url, "url", "", "stream to play, http or https")
	flags.StringVar(&address, "address", "", "host:port to connect to in place of that of the URL")
	flags.StringVar(&roots, "ca", "", "PEM file with the only trusted roots")
	flags.StringVar(&from, "from", "", "network whose addresses listeners come from in turn, such as 127.16.0.0/16")
	flags.IntVar(&p.count, "count", 1, "listeners")
	flags.IntVar(&p.rate, "rate", 500, "how many listeners come in a second")
	flags.IntVar(&p.tries, "tries", 20, "listeners one after the other")
	flags.IntVar(&pauseMs, "pause", 200, "ms between two of them on average; random, so that no rhythm is met again and again")
	flags.IntVar(&seconds, "seconds", 10, "how long listeners stay once all play")
	flags.IntVar(&p.playing, "playing", 4000, "bytes of audio from which on a listener plays")
	flags.IntVar(&limit, "limit", 120, "seconds after which everything ends, whatever it has come to")
	if err := flags.Parse(arguments[1:]); err != nil {
		return err
	}
	p.pause = time.Duration(pauseMs) * time.Millisecond
	p.stay = time.Duration(seconds) * time.Second
	var err error
	if p.target, err = newTarget(url, address, roots, from); err != nil {
		return err
	}
	time.AfterFunc(time.Duration(limit)*time.Second, func() {
		fmt.Fprintf(os.Stderr, "load: not done within %d s\n", limit)
		os.Exit(2)
	})
	return modes[arguments[0]](p)
}

func tell(result any) error {
	return json.NewEncoder(os.Stdout).Encode(result)
}

// processorSeconds is what this process has used of the processor so far.
func processorSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(usage.Utime) + seconds(usage.Stime)
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Microseconds()) / 1000
}
