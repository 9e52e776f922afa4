"""Live things turned into streams of exchanges: a proxy, a browser, a receiver. Its modules may start processes and open sockets."""
