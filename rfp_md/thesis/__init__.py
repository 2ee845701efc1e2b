"""The experiments of the thesis (R. Manavalan, Random feature potentials, TUM 2023): as data, and run again."""
