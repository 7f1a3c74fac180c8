"""An embedded AWS on this machine, with a lake and faults that a real pipeline made, a CDN and two regions."""
