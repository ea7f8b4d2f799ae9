"""Signal equation: Fourier transforms, acquisition, operators, coils, the simulator."""
