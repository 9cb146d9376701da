package main

import (
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Players wait a moment before they try again.
const retryAfter = 500 * time.Millisecond

// A listener reads what has come in the meantime, as players with a buffer do. At each packet it would be awake
// 17 times a second, and the load client would need more of the processor than what it measures.
const readEvery = 200 * time.Millisecond

// A listener who receives nothing for this long has lost the stream.
const silenceLimit = 20 * time.Second

// Who of a herd has no audio after this time is not counted among those who waited.
const herdLimit = 60 * time.Second

// first measures listeners one after the other.
func first(p plan) error {
	result := struct {
		AnswerMs []float64      `json:"answerMs"`
		AudioMs  []float64      `json:"audioMs"`
		Failures map[string]int `json:"failures"`
	}{[]float64{}, []float64{}, map[string]int{}}
	buffer := make([]byte, 16<<10)
	for n := range p.tries {
		s, err := p.target.open(n, buffer)
		if err != nil {
			result.Failures[reason(err)]++
		} else {
			s.connection.Close()
			result.AnswerMs = append(result.AnswerMs, milliseconds(s.answer))
			result.AudioMs = append(result.AudioMs, milliseconds(s.audio))
		}
		time.Sleep(rand.N(2 * p.pause))
	}
	return tell(result)
}

// audience is listeners that come at a rate, and who they are to the outside.
type audience struct {
	plan  plan
	mutex sync.Mutex
	// lost: connections that had brought audio. failures: tries that brought none, by their reason.
	playing, lost int
	bytes         int64
	failures      map[string]int
	// left is closed when all are to leave.
	left chan struct{}
}

func newAudience(p plan) *audience {
	return &audience{plan: p, failures: map[string]int{}, left: make(chan struct{})}
}

// come lets all of them come, and returns when all play.
func (a *audience) come(each func(listener int)) {
	for n := range a.plan.count {
		go each(n)
		time.Sleep(time.Second / time.Duration(a.plan.rate))
	}
	for {
		a.mutex.Lock()
		playing := a.playing
		a.mutex.Unlock()
		if playing == a.plan.count {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// listen plays until `until` is closed, and connects again whenever that is needed. `plays` is called when a
// connection has brought enough to play.
func (a *audience) listen(listener int, until <-chan struct{}, plays func()) {
	buffer := make([]byte, 16<<10)
	for !closed(until) {
		s, err := a.plan.target.open(listener, buffer)
		if err != nil {
			a.mutex.Lock()
			a.failures[reason(err)]++
			a.mutex.Unlock()
			time.Sleep(retryAfter)
			continue
		}
		a.play(s, buffer, until, plays)
	}
}

func (a *audience) play(s *stream, buffer []byte, until <-chan struct{}, plays func()) {
	defer s.connection.Close()
	received := s.bytes
	began := false
	for {
		if !began && received >= a.plan.playing {
			began = true
			a.mutex.Lock()
			a.playing++
			a.mutex.Unlock()
			plays()
		}
		if began {
			select {
			case <-until:
				a.mutex.Lock()
				a.playing--
				a.bytes += int64(received)
				a.mutex.Unlock()
				return
			case <-time.After(readEvery):
			}
		}
		s.connection.SetReadDeadline(time.Now().Add(silenceLimit))
		n, err := s.connection.Read(buffer)
		received += n
		if err != nil {
			a.mutex.Lock()
			a.bytes += int64(received)
			if began {
				a.playing--
				a.lost++
			} else {
				a.failures[reason(err)]++
			}
			a.mutex.Unlock()
			return
		}
	}
}

func closed(channel <-chan struct{}) bool {
	select {
	case <-channel:
		return true
	default:
		return false
	}
}

// hold keeps listeners for a time. It says when all of them play: whoever measures the server begins then.
func hold(p plan) error {
	a := newAudience(p)
	a.come(func(n int) { a.listen(n, a.left, func() {}) })
	if err := tell(map[string]int{"playing": p.count}); err != nil {
		return err
	}
	used, since := processorSeconds(), time.Now()
	time.Sleep(p.stay)
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return tell(map[string]any{
		"playing":  a.playing,
		"lost":     a.lost,
		"failures": a.failures,
		// Of one processor.
		"processor": (processorSeconds() - used) / time.Since(since).Seconds(),
	})
}

// herd lets all play, and then connect anew at once.
func herd(p plan) error {
	a := newAudience(p)
	again := make(chan struct{})
	var mutex sync.Mutex
	var gone sync.WaitGroup
	gone.Add(p.count)
	start := make(chan struct{})
	waited := []float64{}
	var begin time.Time
	a.come(func(n int) {
		a.listen(n, again, func() {})
		gone.Done()
		<-start
		once := false
		a.listen(n, a.left, func() {
			mutex.Lock()
			defer mutex.Unlock()
			if !once {
				once = true
				waited = append(waited, milliseconds(time.Since(begin)))
			}
		})
	})
	time.Sleep(p.stay)
	a.mutex.Lock()
	failedBefore, lostBefore := a.failures, a.lost
	a.failures = map[string]int{}
	a.mutex.Unlock()
	close(again)
	gone.Wait()
	used := processorSeconds()
	begin = time.Now()
	close(start)
	all := false
	for deadline := begin.Add(herdLimit); !all && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
		mutex.Lock()
		all = len(waited) == p.count
		mutex.Unlock()
	}
	mutex.Lock()
	a.mutex.Lock()
	defer mutex.Unlock()
	defer a.mutex.Unlock()
	slices.Sort(waited)
	return tell(map[string]any{
		"waitedMs":       waited,
		"failures":       a.failures,
		"failuresBefore": failedBefore,
		"lostBefore":     lostBefore,
		"processor":      (processorSeconds() - used) / time.Since(begin).Seconds(),
	})
}

// reason is an error in words that are the same for every listener.
func reason(err error) string {
	var network net.Error
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "no answer in time"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET):
		return "connection reset"
	case strings.HasPrefix(err.Error(), "HTTP "):
		return err.Error()
	case errors.Is(err, net.ErrClosed), err.Error() == "EOF":
		return "closed"
	}
	return err.Error()
}
