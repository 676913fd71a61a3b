// Keeping this library in memory.
#pragma once

namespace tilegrad {

// Makes the library that contains this code stay loaded until the process ends. Node.js unloads an
// addon when the Worker that loaded it last ends; threads that run the addon's code, and thread
// exit handlers inside it, must not lose it under their feet. Does nothing in a static executable,
// and nothing after the first call. Safe from any thread.
void pinLibrary();

}  // namespace tilegrad
