cpdef bytes shortest_bytes(long long value)
