package main

import (
	"bufio"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"
)

func TestListenersComeFromTheAddressesOfTheNetworkInTurn(t *testing.T) {
	from := target{from: netip.MustParsePrefix("127.16.0.0/16")}
	for listener, want := range map[int]string{
		0: "127.16.0.1", 254: "127.16.0.255", 255: "127.16.1.0", 65533: "127.16.255.254", 65534: "127.16.0.1",
	} {
		if got := from.local(listener).(*net.TCPAddr).IP.String(); got != want {
			t.Errorf("listener %d comes from %s, not %s", listener, got, want)
		}
	}
	if (target{}).local(0) != nil {
		t.Error("without a network, the system chooses the address")
	}
}

// serve answers one request with these pieces, each after a pause.
func serve(t *testing.T, pause time.Duration, pieces ...string) target {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		defer connection.Close()
		if _, err := http.ReadRequest(bufio.NewReader(connection)); err != nil {
			return
		}
		for _, piece := range pieces {
			time.Sleep(pause)
			connection.Write([]byte(piece))
		}
		time.Sleep(pause)
	}()
	to, err := newTarget("http://"+listener.Addr().String()+"/main.mp3", "", "", "")
	if err != nil {
		t.Fatal(err)
	}
	return to
}

func TestTheFirstByteOfAudioIsTheFirstOneAfterTheHeader(t *testing.T) {
	const pause = 50 * time.Millisecond
	to := serve(t, pause, "HTTP/1.0 200 OK\r\nContent-", "Type: audio/mpeg\r\n\r\n", "audio")
	s, err := to.open(0, make([]byte, 1000))
	if err != nil {
		t.Fatal(err)
	}
	defer s.connection.Close()
	if s.answer < pause || s.audio < 3*pause || s.answer > s.audio-pause {
		t.Errorf("answer after %v, audio after %v", s.answer, s.audio)
	}
	if s.bytes != len("audio") {
		t.Errorf("%d bytes of audio", s.bytes)
	}
}

func TestARefusalIsAFailureWithItsStatus(t *testing.T) {
	to := serve(t, 0, "HTTP/1.1 503 Service Unavailable\r\n\r\nfull")
	if _, err := to.open(0, make([]byte, 1000)); err == nil || reason(err) != "HTTP 503" {
		t.Errorf("the reason is %v", err)
	}
}

func TestAStreamThatEndsBeforeItsAudioIsAFailure(t *testing.T) {
	to := serve(t, 0, "HTTP/1.0 200 OK\r\n\r\n")
	if _, err := to.open(0, make([]byte, 1000)); err == nil || reason(err) != "closed" {
		t.Errorf("the reason is %v", err)
	}
}
