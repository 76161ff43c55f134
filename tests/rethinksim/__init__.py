"""A RethinkDB 2.4.4 look-alike for tests: driver port, ReQL reads and writes, faults on request.

      __main__  server  wire     a program, its connections, one conversation
      query  reads  maths        the evaluator and its terms, by what they are about
      writes  admin
      streams  tables            batches as the server shapes them; rows, keys and indexes
      spelling  values           JSON as the server writes it; pseudo-types and the order of keys
      plant  odd                 data made from a seed; awkward keys and values
      faults  control            what goes wrong on the wire; the port that tests steer by
      client  launch             for tests: a small driver; the simulator as a program

Compared with a real 2.4.4: rows and keys of all types byte for byte, number spelling over 30,000
random doubles, error texts and their places. Not here: changefeeds, groups, geometry, joins.
"""
