// What the Go entries of the corpus run.
package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync"
)

func main() {
	var group sync.WaitGroup
	var lock sync.Mutex
	sum := 0
	for i := 0; i < 200; i++ {
		group.Add(1)
		go func(n int) {
			defer group.Done()
			kept := make([]byte, 100000)
			kept[n] = 1
			lock.Lock()
			sum += n * int(kept[n])
			lock.Unlock()
		}(i)
	}
	group.Wait()
	runtime.GC()
	out, err := exec.Command("/bin/echo", "from a child").Output()
	fmt.Println(sum, os.Args[1], string(out), err)

	server, _ := net.Listen("tcp", "127.0.0.1:0")
	go func() {
		connection, _ := server.Accept()
		connection.Write([]byte("over a socket\n"))
		connection.Close()
	}()
	client, _ := net.Dial("tcp", server.Addr().String())
	text := make([]byte, 99)
	n, _ := client.Read(text)
	fmt.Print(string(text[:n]))

	defer func() {
		fmt.Println(recover() != nil)
		os.Exit(8)
	}()
	var nothing *int
	fmt.Println(*nothing)
}
