// A library that is loaded, calls back and goes.
volatile int kept;
void call_back(void (*what)(void*), void* with) {
    what(with);
    kept = 1;
}
