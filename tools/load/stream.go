package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"time"
)

// Real players wait longer; nobody here should.
const answerLimit = 10 * time.Second

// target is where listeners connect to, and from which addresses.
type target struct {
	url     *url.URL
	address string
	tls     *tls.Config
	from    netip.Prefix
}

func newTarget(text, address, roots, from string) (target, error) {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Host == "" {
		return target{}, fmt.Errorf("-url %q is no URL of a stream", text)
	}
	t := target{url: parsed, address: address}
	secure := parsed.Scheme == "https"
	if t.address == "" {
		port := parsed.Port()
		if port == "" {
			port = map[bool]string{true: "443", false: "80"}[secure]
		}
		t.address = net.JoinHostPort(parsed.Hostname(), port)
	}
	if secure {
		t.tls = &tls.Config{ServerName: parsed.Hostname(), MinVersion: tls.VersionTLS12}
	}
	if roots != "" && secure {
		pem, err := os.ReadFile(roots)
		if err != nil {
			return target{}, err
		}
		t.tls.RootCAs = x509.NewCertPool()
		if !t.tls.RootCAs.AppendCertsFromPEM(pem) {
			return target{}, fmt.Errorf("-ca %s holds no certificate", roots)
		}
	}
	if from != "" {
		if t.from, err = netip.ParsePrefix(from); err != nil {
			return target{}, fmt.Errorf("-from: %w", err)
		}
	}
	return t, nil
}

// local is the address that a listener comes from; nil for any.
func (t target) local(listener int) net.Addr {
	if !t.from.IsValid() {
		return nil
	}
	octets := t.from.Masked().Addr().As4()
	// The network's own address belongs to nobody, and neither does the last one.
	host := 1 + listener%(1<<(32-t.from.Bits())-2)
	for i := 3; host > 0; i-- {
		octets[i] |= byte(host)
		host >>= 8
	}
	return &net.TCPAddr{IP: octets[:]}
}

// stream is a listener's connection that has brought audio.
type stream struct {
	connection net.Conn
	// answer and audio: from the beginning, the lookup of the name included, to the first byte of each.
	answer, audio time.Duration
	// bytes of audio that came with the header.
	bytes int
}

// open connects, and returns when the first byte of audio is there.
func (t target) open(listener int, buffer []byte) (*stream, error) {
	begin := time.Now()
	dialer := net.Dialer{LocalAddr: t.local(listener), Timeout: answerLimit}
	connection, err := dialer.Dial("tcp4", t.address)
	if err != nil {
		return nil, err
	}
	if t.tls != nil {
		connection = tls.Client(connection, t.tls)
	}
	s, err := t.request(connection, begin, buffer)
	if err != nil {
		connection.Close()
		return nil, err
	}
	return s, nil
}

func (t target) request(connection net.Conn, begin time.Time, buffer []byte) (*stream, error) {
	if err := connection.SetDeadline(begin.Add(answerLimit)); err != nil {
		return nil, err
	}
	const form = "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: aerial-load\r\nAccept: */*\r\n\r\n"
	if _, err := fmt.Fprintf(connection, form, t.url.RequestURI(), t.url.Host); err != nil {
		return nil, err
	}
	s := &stream{connection: connection}
	header := []byte{}
	for {
		n, err := connection.Read(buffer)
		if err != nil {
			return nil, err
		}
		now := time.Since(begin)
		if s.answer == 0 {
			s.answer = now
		}
		header = append(header, buffer[:n]...)
		if end := bytes.Index(header, []byte("\r\n\r\n")); end >= 0 {
			if len(header) < 12 || string(header[9:12]) != "200" {
				return nil, fmt.Errorf("HTTP %.3s", header[min(9, len(header)):])
			}
			s.bytes = len(header) - end - 4
		}
		if s.bytes > 0 {
			s.audio = now
			return s, connection.SetDeadline(time.Time{})
		}
	}
}
